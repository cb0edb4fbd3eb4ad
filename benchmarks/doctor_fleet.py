"""What `fleet-repl doctor` costs per account, beside one boto3 session per account.

    python -m benchmarks.doctor_fleet --accounts 10000 --latency-ms 30

Both make the same calls to the same endpoint process, in one run, so that the ratio means
something on any machine. Prints seconds by the clock and of the processor, memory, and calls.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.apply_fleet import endpoint, inventory, run

BOTO3 = """
import sys, boto3
url, accounts = sys.argv[1], int(sys.argv[2])
for number in range(accounts):
    sts = boto3.Session().client("sts", endpoint_url=url, region_name="us-east-1")
    role = f"arn:aws:iam::{number + 1:012}:role/bench"
    found = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
    session = boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], "us-east-1"
    )
    ecr = session.client("ecr", endpoint_url=url)
    ecr.describe_registry()
    try:
        ecr.get_registry_policy()
    except ecr.exceptions.RegistryPolicyNotFoundException:
        pass
    ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")
    session.client("iam", endpoint_url=url).simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=["ecr:PutReplicationConfiguration", "ecr:PutRegistryPolicy"],
        ResourceArns=["*"],
    )
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--boto3-accounts", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(given.accounts))
        command = ["doctor", str(path), "--quiet", "--format=json"]
        with endpoint(given.latency_ms) as (url, counters):
            doctor = run([sys.executable, "-m", "fleet_repl", *command], url)
    if len(json.loads(doctor.text)["registries"]) != given.accounts:
        raise SystemExit("not every account was examined")
    with endpoint(given.latency_ms) as (url, _):
        boto3 = run([sys.executable, "-c", BOTO3, url, str(given.boto3_accounts)], url)
    calls = sum(counters["calls"].values())
    ours, theirs = doctor.seconds / given.accounts, boto3.seconds / given.boto3_accounts
    print(f"accounts                  {given.accounts}")
    print(f"latency                   {given.latency_ms:g} ms a call")
    print(f"doctor, whole process     {doctor.seconds:.1f} s, {doctor.megabytes:.0f} MB")
    print(
        f"processor time            {doctor.cpu:.1f} s, {1000 * doctor.cpu / calls:.2f} ms a call"
    )
    print(
        f"calls                     {counters['calls']} ({calls / given.accounts:.1f} an account)"
    )
    print(f"doctor an account         {1000 * ours:.1f} ms")
    print(f"boto3 session an account  {1000 * theirs:.1f} ms")
    print(f"ratio                     {theirs / ours:.0f} times")


if __name__ == "__main__":
    main()
