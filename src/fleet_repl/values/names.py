"""Names of accounts, regions, partitions, registries and ARNs, parsed once.

Nothing is looked up here: a name that parses may name nothing that exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, NewType

AccountId = NewType("AccountId", str)
Region = NewType("Region", str)


class Registry(NamedTuple):
    """One ECR private registry. A named tuple, because it is the key of every mapping over a
    fleet, and the hash and order of tuples are computed in C."""

    account: AccountId
    region: Region

    def __str__(self) -> str:
        return f"{self.account}/{self.region}"

    @classmethod
    def parse(cls, text: str) -> Registry:
        """The registry that `111111111111/eu-west-1` names. Raises ValueError."""
        match = _REGISTRY.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no registry")
        return cls(AccountId(match["account"]), Region(match["region"]))

    @classmethod
    def of(cls, account: object, region: object) -> Registry | None:
        """The registry of an account id and a region from outside; None where either is malformed,
        and could not be written to a document and read back."""
        if not (isinstance(account, str) and isinstance(region, str)):
            return None
        if not (is_account_id(account) and is_region(region)):
            return None
        return cls(AccountId(account), Region(region))


class Partition(StrEnum):
    AWS = "aws"
    US_GOV = "aws-us-gov"
    CN = "aws-cn"
    EUSC = "aws-eusc"
    ISO = "aws-iso"
    ISO_B = "aws-iso-b"
    ISO_E = "aws-iso-e"
    ISO_F = "aws-iso-f"

    @property
    def first_region(self) -> Region:
        """The region to call STS in, where no setting names one."""
        return Region(_REGIONS[self][1])

    def holds(self, region: str) -> bool:
        """Returns whether `region` is a well-formed region of this partition, by botocore."""
        return _PATTERNS[self].fullmatch(region) is not None


_REGIONS: Final = {
    Partition.AWS: (r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+", "us-east-1"),
    Partition.US_GOV: (r"us-gov-[a-z]+-[0-9]+", "us-gov-west-1"),
    Partition.CN: (r"cn-[a-z]+-[0-9]+", "cn-north-1"),
    Partition.EUSC: (r"eusc-(de)-[a-z]+-[0-9]+", "eusc-de-east-1"),
    Partition.ISO: (r"us-iso-[a-z]+-[0-9]+", "us-iso-east-1"),
    Partition.ISO_B: (r"us-isob-[a-z]+-[0-9]+", "us-isob-east-1"),
    Partition.ISO_E: (r"eu-isoe-[a-z]+-[0-9]+", "eu-isoe-west-1"),
    Partition.ISO_F: (r"us-isof-[a-z]+-[0-9]+", "us-isof-south-1"),
}
"""The pattern of a partition's regions, and the first of them."""
_PATTERNS: Final = {partition: re.compile(pattern) for partition, (pattern, _) in _REGIONS.items()}


def partition_of(region: Region) -> Partition:
    """The partition that a region is in; `aws` where none has it."""
    return next((partition for partition in Partition if partition.holds(region)), Partition.AWS)


ACCOUNT_ID: Final = "[0-9]{12}"
"""The pattern of an account id."""
_ACCOUNT: Final = re.compile(ACCOUNT_ID)
_REGION: Final = re.compile(r"[0-9a-z-]{2,25}")
_REGISTRY: Final = re.compile(rf"(?P<account>{ACCOUNT_ID})/(?P<region>{_REGION.pattern})")
_ROLE_ARN: Final = re.compile(
    rf"arn:(?P<partition>[a-z-]+):iam::(?P<account>{ACCOUNT_ID}):role/(?P<path>[\x21-\x7e]{{1,512}})"
)


def is_account_id(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Returns whether ECR accepts `text` as the name of a region."""
    return _REGION.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleArn:
    """`arn:<partition>:iam::<account>:role/<path>`."""

    partition: Partition
    account: AccountId
    path: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.path}"

    @classmethod
    def parse(cls, text: str) -> RoleArn | None:
        """The role, or None where `text` is no role ARN of a partition known here."""
        match = _ROLE_ARN.fullmatch(text)
        if match is None or match["partition"] not in set(Partition):
            return None
        return cls(
            partition=Partition(match["partition"]),
            account=AccountId(match["account"]),
            path=match["path"],
        )


def root_arn(partition: Partition, account: AccountId) -> str:
    """The ARN of the principal that stands for a whole account."""
    return f"arn:{partition}:iam::{account}:root"


def repositories_arn(partition: Partition, registry: Registry) -> str:
    """The common start of the ARNs of all repositories in a registry."""
    return f"arn:{partition}:ecr:{registry.region}:{registry.account}:repository/"


class Secret:
    """A text that no output, log, file or exception may show."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the request that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is never stored")
