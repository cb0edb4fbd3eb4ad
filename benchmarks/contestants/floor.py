"""aiohttp with botocore's signature, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from urllib.parse import urlencode

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"
KEYS = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)<")


async def main(accounts: int, concurrency: int) -> None:
    url = os.environ["AWS_ENDPOINT_URL"] + "/"
    base = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    numbers = iter(range(accounts))
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def call(
            service: str, keys: Credentials, body: bytes, headers: dict[str, str]
        ) -> bytes:
            request = AWSRequest("POST", url, data=body, headers={"User-Agent": "floor", **headers})
            SigV4Auth(keys, service, REGION).add_auth(request)
            signed = dict(request.headers.items())
            async with session.post(url, data=body, headers=signed) as answer:
                return await answer.read()

        async def worker() -> None:
            for number in numbers:
                form = {
                    "Action": "AssumeRole",
                    "Version": "2011-06-15",
                    "RoleArn": f"arn:aws:iam::{number + 1:012}:role/bench",
                    "RoleSessionName": "bench",
                }
                kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
                found = await call("sts", base, urlencode(form).encode(), kind)
                keys = Credentials(*(text for _, text in KEYS.findall(found.decode())))
                for operation in ("DescribeRegistry", "GetRegistryPolicy"):
                    target = f"AmazonEC2ContainerRegistry_V20150921.{operation}"
                    asked = {
                        "Content-Type": "application/x-amz-json-1.1",
                        "X-Amz-Target": target,
                    }
                    json.loads(await call("ecr", keys, b"{}", asked))

        await asyncio.gather(*(worker() for _ in range(concurrency)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
