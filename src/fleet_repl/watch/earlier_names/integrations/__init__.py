"""The package that `aws_lambda` was in."""
