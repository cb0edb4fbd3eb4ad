"""RunAcross, as its documentation has it."""

from __future__ import annotations

import sys
from typing import Any

from boto3_work import accounts, read
from runacross import map_accounts


def main(count: int) -> None:
    def work(session: Any, account: Any) -> None:
        read(session)

    results = map_accounts(work, accounts=accounts(count), role_name="bench", max_workers=20)
    assert sum(result.error is None for result in results) == count


if __name__ == "__main__":
    main(int(sys.argv[1]))
