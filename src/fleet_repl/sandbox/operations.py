"""The names of all operations that the sandbox speaks."""

from __future__ import annotations

from typing import Final

OPERATIONS: Final = {
    "ecr": (
        "BatchDeleteImage",
        "BatchGetImage",
        "CreateRepository",
        "CreateRepositoryCreationTemplate",
        "DeleteRegistryPolicy",
        "DeleteRepositoryCreationTemplate",
        "DescribeImageReplicationStatus",
        "DescribeImages",
        "DescribeRegistry",
        "DescribeReplicationBackfillResults",
        "DescribeRepositories",
        "DescribeRepositoryCreationTemplates",
        "GetAccountSetting",
        "GetLifecyclePolicy",
        "GetRegistryPolicy",
        "GetRepositoryPolicy",
        "ListReplicationBackfills",
        "ListTagsForResource",
        "PutAccountSetting",
        "PutImage",
        "PutRegistryPolicy",
        "PutReplicationConfiguration",
        "StartReplicationBackfill",
        "StopReplicationBackfill",
        "UpdateImageStorageClass",
        "UpdateRepositoryCreationTemplate",
    ),
    "sts": ("AssumeRole", "GetCallerIdentity"),
}
"""Every operation the sandbox speaks, by service."""
OTHER_ACTIONS: Final = ("iam:PassRole",)
"""IAM actions that calls of ECR ask for besides the one of their own name."""
