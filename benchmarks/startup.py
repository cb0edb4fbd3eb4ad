"""What it costs to start: processor time of whole commands, beside an empty program with typer.

    python -m benchmarks.startup --rounds 7

Each command is a process of its own, run in turn with the others, with its bytecode compiled. The
least of all rounds counts. `typer --help` is an empty program that prints its help, `typer FILE`
one that takes a path, for which typer loads pydantic. Prints milliseconds, and the ratio to the
empty program.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from typing import Final

EMPTY: Final = """\
from pathlib import Path
from typing import Annotated
import typer
app = typer.Typer()
@app.command()
def main(file: Annotated[Path, typer.Argument()]) -> None:
    "Does nothing."
app()
"""
DEMO: Final = Path(__file__).parents[1] / "inventories" / "demo.toml"
ACCOUNTS: Final = 200
CELL: Final = 20


def inventory_text() -> str:
    """Cells of twenty accounts, in each of which a hub replicates to the others."""
    text = 'version = 1\nname = "prod"\n[aws]\nrole = "replication"\nregions = ["eu-west-1"]\n'
    for number in range(ACCOUNTS):
        tier, cell = "leaf" if number % CELL else "hub", number // CELL
        text += f'[[accounts]]\nid = "{number + 1:012d}"\nname = "account-{number}"\n'
        text += f'labels = {{ tier = "{tier}", cell = "{cell}" }}\n'
    for cell in range(ACCOUNTS // CELL):
        text += f'[[routes]]\nname = "cell-{cell}"\nprefixes = ["base/"]\n'
        text += f'from = {{ labels = {{ tier = "hub", cell = "{cell}" }} }}\n'
        text += f'to = {{ labels = {{ tier = "leaf", cell = "{cell}" }} }}\n'
    return text


def commands(folder: Path) -> dict[str, list[str]]:
    """The commands by name; `folder` takes the files that they need."""
    (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
    (folder / "fleet.toml").write_text(inventory_text(), encoding="utf-8")
    empty, ours = [str(folder / "empty.py")], ["-m", "fleet_repl"]
    return {
        "typer --help": [*empty, "--help"],
        "typer FILE": [*empty, "x"],
        "fleet-repl --help": [*ours, "--help"],
        f"validate, {ACCOUNTS} accounts": [*ours, "validate", str(folder / "fleet.toml")],
        "apply --sandbox, the demo": [*ours, "apply", str(DEMO), "--sandbox", "--yes", "--quiet"],
    }


def cpu(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """The processor time of a process, in seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=-3, stderr=-3, env=environment)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        measured = commands(Path(folder))
        # The first round compiles.
        rounds = [
            {name: cpu(command, environment) for name, command in measured.items()}
            for _ in range(1 + args.rounds)
        ][1:]
    least = {name: min(costs[name] for costs in rounds) for name in measured}
    base = least["typer --help"]
    for name, seconds in least.items():
        print(f"{name:<28} {seconds * 1000:6.0f} ms  {seconds / base:4.1f}")


if __name__ == "__main__":
    main()
