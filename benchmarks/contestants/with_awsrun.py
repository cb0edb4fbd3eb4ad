"""awsrun, with credentials of a role in each account."""

from __future__ import annotations

import sys
from typing import Any

import boto3
from awsrun.runner import AccountRunner, Command
from awsrun.session import SessionProvider
from awsrun.session.aws import CredsViaCrossAccount
from boto3_work import accounts, read


class Own(SessionProvider):
    """The base identity of the environment."""

    def session(self, acct_id: str) -> Any:
        return boto3.Session()


class Read(Command):
    """The two reads."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0

    def execute(self, session: Any, acct: str) -> None:
        read(session)

    def collect_results(self, acct: str, get_result: Any) -> None:
        get_result()
        self.done += 1


def main(count: int) -> None:
    command = Read()
    provider = CredsViaCrossAccount(Own(), "9" * 12, "bench")
    AccountRunner(provider, max_workers=20).run(command, accounts(count))
    assert command.done == count


if __name__ == "__main__":
    main(int(sys.argv[1]))
