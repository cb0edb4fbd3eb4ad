"""The same three calls an account, AssumeRole, DescribeRegistry and GetRegistryPolicy, by several
programs: each is a script that takes the number of accounts and the concurrency."""
