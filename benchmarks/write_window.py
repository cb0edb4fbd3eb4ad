"""For how long nobody watches a document before it is overwritten.

    python -m benchmarks.write_window --accounts 20 --latency-ms 30

What somebody else writes between the answer to the last read of a document and the arrival of our
write is lost, because ECR takes no condition. Measured where both arrive, at the endpoint: once
with the state in a folder, once in a store that is as slow as a bucket under load.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.apply_fleet import endpoint, inventory, run

SLOW = """
import runpy, sys
import anyio
from fleet_repl.state.folder import FolderStore

append, seconds = FolderStore.append, float(sys.argv.pop(1))

async def slowly(self, name, content):
    await anyio.sleep(seconds)
    await append(self, name, content)

FolderStore.append = slowly
runpy.run_module("fleet_repl", run_name="__main__")
"""


def windows(accounts: int, latency_ms: float, store_ms: float) -> list[float]:
    """Milliseconds before each write of one apply, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.toml"
        path.write_text(inventory(accounts))
        command = ["apply", str(path), "--yes", "--quiet", "--format=json"]
        with endpoint(latency_ms) as (url, counters):
            run([sys.executable, "-c", SLOW, str(store_ms / 1000), *command], url)
    return sorted(1000 * seconds for seconds in counters["windows"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--latency-ms", type=float, default=30)
    parser.add_argument("--store-ms", type=float, default=1500, help="of the slow store")
    given = parser.parse_args()
    print(f"accounts      {given.accounts}")
    print(f"latency       {given.latency_ms:g} ms a call")
    for name, store_ms in (("folder", 0.0), (f"{given.store_ms:g} ms store", given.store_ms)):
        found = windows(given.accounts, given.latency_ms, store_ms)
        middle, most = statistics.median(found), found[-1]
        print(
            f"{name:<13} {middle:.1f} ms in the middle, {most:.1f} ms at most: "
            f"{middle / given.latency_ms:.2f} and {most / given.latency_ms:.2f} round trips"
        )


if __name__ == "__main__":
    main()
