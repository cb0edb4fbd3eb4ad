"""The names of all operations that the sandbox speaks."""

from __future__ import annotations

from typing import Final

OPERATIONS: Final = {
    "ecr": (
        "BatchCheckLayerAvailability",
        "BatchDeleteImage",
        "BatchGetImage",
        "CompleteLayerUpload",
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
        "InitiateLayerUpload",
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
        "UploadLayerPart",
    ),
    "sts": ("AssumeRole", "GetCallerIdentity"),
}
"""Every operation the sandbox speaks, by service."""
OTHER_ACTIONS: Final = ("iam:PassRole",)
"""IAM actions that calls of ECR ask for besides the one of their own name."""
