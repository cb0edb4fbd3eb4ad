"""The regions of an account, as Account and EC2 list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import Directory, Identity
from fleet_repl.sandbox.pages import UPPER, page
from fleet_repl.sandbox.shapes import read
from fleet_repl.sandbox.sts import Result
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition

_DEFAULT: Final = {
    Partition.AWS: (
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"),
        *("ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2"),
        *("eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    ),
    Partition.US_GOV: ("us-gov-east-1", "us-gov-west-1"),
    Partition.CN: ("cn-north-1", "cn-northwest-1"),
}
"""Regions that every account of a partition has, unless it is told to be without."""


def statuses(directory: Directory, caller: Identity) -> Iterator[tuple[str, str]]:
    """Yields each region with whether the caller's account has it, by name."""
    default = _DEFAULT.get(directory.partition, (directory.partition.first_region,))
    for region in sorted({*default, *directory.named_regions(caller.account)}):
        if not directory.enabled(caller.account, region):
            yield region, "DISABLED"
        else:
            yield region, "ENABLED_BY_DEFAULT" if region in default else "ENABLED"


def list_regions(directory: Directory, caller: Identity, body: JsonObject) -> JsonObject:
    """Account's ListRegions. Raises AwsError."""
    if not directory.allows(caller, "account:ListRegions"):
        raise AwsError(
            "AccessDeniedException",
            f"User: {caller.arn} is not authorized to perform: account:ListRegions",
            403,
        )
    try:
        request = read(body, "account.ListRegionsRequest")
    except AwsError as error:
        raise AwsError("ValidationException", error.message) from error
    wanted = request.texts("RegionOptStatusContains")
    regions = [
        {"RegionName": region, "RegionOptStatus": status}
        for region, status in statuses(directory, caller)
        if not wanted or status in wanted
    ]
    shown, more = page(regions, request, usual=50, names=UPPER)
    return {"Regions": shown, **more}


def describe_regions(directory: Directory, caller: Identity, form: Mapping[str, str]) -> Result:
    """EC2's DescribeRegions. Raises AwsError."""
    if not directory.allows(caller, "ec2:DescribeRegions"):
        raise AwsError(
            "UnauthorizedOperation", "You are not authorized to perform this operation.", 403
        )
    everything = form.get("AllRegions", "false") == "true"
    names = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in"}
    return {
        "regionInfo": [
            {
                "regionName": region,
                "regionEndpoint": f"ec2.{region}.amazonaws.com",
                "optInStatus": names.get(status, "not-opted-in"),
            }
            for region, status in statuses(directory, caller)
            if everything or status != "DISABLED"
        ]
    }
