"""The regions that an account has enabled, as the account itself says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from fleet_repl.aws.caller import Caller
from fleet_repl.aws.credentials import Source
from fleet_repl.aws.faults import garbage, no_longer_transient
from fleet_repl.aws.pages import PagedList, Reader, pages_of
from fleet_repl.aws.request import Answer, Call
from fleet_repl.inventory import Account
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import Region, is_region

T = TypeVar("T")

_REGIONS: Final = PagedList(
    member="Regions", texts=("RegionName",), page_size=50, most_pages=20, capitalized=True
)
_USABLE: Final = {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledRegions:
    """Asks accounts for their regions, each with the credentials of its own role."""

    caller: Caller
    source_of: Callable[[Account], Source]
    region: Region
    """The region in which the services that know the enabled regions are asked."""

    async def of(self, account: Account) -> tuple[Region, ...]:
        """The enabled regions of an account, sorted: those that Account lists, or EC2 where Account
        denies the call. Raises CallError, which is never transient."""
        source = self.source_of(account)
        call = Call(
            service="account",
            operation="ListRegions",
            region=self.region,
            account=account.id,
            role=account.role,
            hidden=(account.external_id,) if account.external_id is not None else (),
        )

        async def read(reader: Reader[T], parameters: Mapping[str, object]) -> T:
            asked = replace(call, parameters=parameters)
            return await self.caller.persist(asked, lambda: self.caller.once(asked, source, reader))

        try:
            pages = [page async for page in pages_of(_REGIONS, _USABLE, read)]
        except CallError as error:
            denied = error.fault.kind is FaultKind.ACCESS_DENIED
            if not denied or error.fault.operation != call.operation:
                raise
        else:
            if regions := _sorted(str(item["RegionName"]) for page in pages for item in page):
                return regions
            # No account has none: its registries would count as gone.
            raise no_longer_transient(garbage(call, "the answer lists no enabled region"))
        asked = replace(call, service="ec2", operation="DescribeRegions")
        return await self.caller.persist(asked, lambda: self.caller.once(asked, source, _of_ec2))


def _of_ec2(answer: Answer, call: Call) -> tuple[Region, ...]:
    """The regions in the answer of DescribeRegions, which lists enabled ones only."""
    regions = answer.parsed.get("Regions")
    listed = regions if isinstance(regions, list) else []
    names = [region.get("RegionName") for region in listed if isinstance(region, Mapping)]
    if not (enabled := _sorted(map(str, names))):
        raise garbage(call, "the answer holds no Regions", answer.request_id)
    return enabled


def _sorted(names: Iterable[str]) -> tuple[Region, ...]:
    return tuple(sorted(Region(name) for name in set(names) if is_region(name)))
