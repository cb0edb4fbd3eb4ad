"""What a whole `fleet-repl apply` costs per account, beside one boto3 session per account.

    python benchmarks/apply_fleet.py --accounts 1000 --latency-ms 30

Both run against the same endpoint process, in one run, so that the ratio means something on
any machine. Prints wall-clock seconds, peak memory, calls and bytes per registry.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIA999999999999",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
BOTO3 = """
import sys, boto3
url, accounts = sys.argv[1], int(sys.argv[2])
for number in range(accounts):
    sts = boto3.Session().client("sts", endpoint_url=url, region_name="us-east-1")
    role = f"arn:aws:iam::{number + 1:012}:role/bench"
    found = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
    ecr = boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], "us-east-1"
    ).client("ecr", endpoint_url=url)
    ecr.describe_registry()
    try:
        ecr.get_registry_policy()
    except ecr.exceptions.RegistryPolicyNotFoundException:
        pass
    to = [{"region": "us-east-1", "registryId": "888888888888"}]
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": to}]})
    ecr.describe_registry()
"""


def inventory(accounts: int) -> str:
    """Every account replicates everything to one partner."""
    listed = "\n".join(f'[[accounts]]\nid = "{number + 1:012}"' for number in range(accounts))
    return f"""version = 1
name = "bench"
[aws]
role = "bench"
regions = ["us-east-1"]
{listed}
[[external]]
id = "888888888888"
regions = ["us-east-1"]
[[routes]]
name = "out"
from = {{}}
to = {{ accounts = ["888888888888"] }}
"""


class Ran(NamedTuple):
    """What a process took, and what it printed."""

    seconds: float
    cpu: float
    """Seconds of processor time."""
    megabytes: float
    """The most resident memory."""
    text: str


@contextmanager
def endpoint(latency_ms: float, *flags: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The URL of a fresh endpoint process; its counters are filled in when it ends. `flags`: those
    of `endpoint.py` beside the latency."""
    command = [sys.executable, "-m", "benchmarks.endpoint", "--latency-ms", str(latency_ms), *flags]
    counters: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip(), counters
        process.stdin.close()
        counters.update(json.loads(process.stdout.read()))


def run(command: list[str], url: str) -> Ran:
    """Run one process to its end, against the endpoint at `url`."""
    environment = {**os.environ, **ENVIRONMENT, "AWS_ENDPOINT_URL": url}
    # Packages that are installed have their bytecode.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{command[:3]} ended with {process.returncode}")
        out.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Ran(seconds, cpu, usage.ru_maxrss / 1024, out.read())


def compile_commands() -> None:
    """Have Python write the bytecode of all that commands import, as installing a package does."""
    with tempfile.TemporaryDirectory() as folder, endpoint(0) as (url, _):
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(1))
        run([sys.executable, "-m", "fleet_repl", "apply", str(path), "--yes", "--quiet"], url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--boto3-accounts", type=int, default=20)
    given = parser.parse_args()
    compile_commands()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(given.accounts))
        program = [sys.executable, "-m", "fleet_repl"]
        apply = [*program, "apply", str(path), "--yes", "--quiet", "--format=json"]
        with endpoint(given.latency_ms) as (url, counters):
            first = run(apply, url)
            second = run(apply, url)
    summary = json.loads(first.text)["summary"]
    if summary["applied"] != given.accounts:
        raise SystemExit(f"not every account was applied: {summary}")
    with endpoint(given.latency_ms) as (url, _):
        baseline = run([sys.executable, "-c", BOTO3, url, str(given.boto3_accounts)], url)
    ours, theirs = first.seconds / given.accounts, baseline.seconds / given.boto3_accounts
    calls = sum(counters["calls"].values())
    print(f"accounts                  {given.accounts}")
    print(f"latency                   {given.latency_ms:g} ms a call")
    print(f"apply, whole process      {first.seconds:.2f} s, {first.megabytes:.0f} MB")
    print(f"second run, no change     {second.seconds:.2f} s")
    print(
        f"calls of both runs        {counters['calls']} ({calls / given.accounts:.1f} an account)"
    )
    print(f"bytes sent an account     {counters['bytes']['in'] / given.accounts:,.0f}")
    print(f"apply an account          {1000 * ours:.1f} ms")
    print(f"boto3 session an account  {1000 * theirs:.1f} ms")
    print(f"ratio                     {theirs / ours:.0f} times")


if __name__ == "__main__":
    main()
