"""Coverage: repositories are listed, their images compared, and running images looked up."""
