"""botocove, as its documentation has it."""

from __future__ import annotations

import sys

from boto3_work import accounts, read
from botocove import cove


def main(count: int) -> None:
    done = cove(target_ids=accounts(count), rolename="bench")(read)()
    assert len(done["Results"]) == count, done


if __name__ == "__main__":
    main(int(sys.argv[1]))
