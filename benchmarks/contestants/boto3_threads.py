"""boto3 in threads, with a session and a client for each account."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from boto3_work import REGION, accounts, read


def main(count: int, concurrency: int) -> None:
    sts = boto3.Session().client("sts", region_name=REGION)

    def visit(account: str) -> None:
        role = f"arn:aws:iam::{account}:role/bench"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="bench")["Credentials"]
        read(boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]))

    with ThreadPoolExecutor(concurrency) as threads:
        list(threads.map(visit, accounts(count)))


if __name__ == "__main__":
    main(int(sys.argv[1]), min(20, int(sys.argv[2])))
