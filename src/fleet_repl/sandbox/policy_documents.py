"""What ECR takes for a registry policy: the grammar of IAM, and principals that exist.

Resources are not looked at: ECR takes ARNs that can never match, and images then fail.
"""
