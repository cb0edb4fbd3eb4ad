"""What the discovery of an organization's accounts costs, beside boto3's paginators.

    python -m benchmarks.discover_fleet --accounts 10000 --latency-ms 30

Three discoveries, each of which asks for more: names and units of the accounts, their tags, their
enabled regions. boto3 lists the tags of some accounts, one after the other with one client, as a
script would. All of it against the same kind of endpoint process, in one run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.apply_fleet import endpoint, run

TAGS = 'labels_from_tags = ["team"]'
ASKED = {
    "accounts and units": ("", '["us-east-1"]'),
    "and tags": (TAGS, '["us-east-1"]'),
    "and enabled regions": (TAGS, '"enabled"'),
}
BOTO3 = """
import sys, boto3
url, most = sys.argv[1], int(sys.argv[2])
client = boto3.Session().client("organizations", endpoint_url=url, region_name="us-east-1")
pages = client.get_paginator("list_accounts").paginate()
accounts = [account["Id"] for page in pages for account in page["Accounts"]]
for account in accounts[:most]:
    client.list_tags_for_resource(ResourceId=account)
"""


def inventory(labels: str, regions: str) -> str:
    """An inventory whose accounts are discovered."""
    return f"""version = 1
name = "bench"
routes = []
[aws]
role = "bench"
regions = {regions}
[organization]
{labels}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--boto3-accounts", type=int, default=200)
    given = parser.parse_args()
    print(f"accounts  {given.accounts}")
    print(f"latency   {given.latency_ms:g} ms a call")
    for name, (labels, regions) in ASKED.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.toml"
            path.write_text(inventory(labels, regions))
            command = [sys.executable, "-m", "fleet_repl", "accounts", str(path)]
            with endpoint(given.latency_ms, "--members", str(given.accounts)) as (url, counters):
                listed = run([*command, "--quiet", "--format=json"], url)
        found = json.loads(listed.text)
        if len(found["accounts"]) != given.accounts:
            raise SystemExit("not every account was discovered")
        calls = sum(counters["calls"].values())
        print(
            f"{name:<19}  {listed.seconds:.1f} s, {listed.cpu:.1f} s of the processor, "
            f"{listed.megabytes:.0f} MB, {calls} calls"
        )
    some = min(given.boto3_accounts, given.accounts)
    with endpoint(given.latency_ms, "--members", str(some)) as (url, _):
        boto3 = run([sys.executable, "-c", BOTO3, url, str(some)], url)
    scaled = boto3.seconds * given.accounts / some
    print(f"boto3, with tags     {scaled:.0f} s ({some} accounts, scaled)")


if __name__ == "__main__":
    main()
