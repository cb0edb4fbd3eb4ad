"""aiobotocore with a client for each account."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from aiobotocore.session import get_session

REGION = "us-east-1"


async def main(accounts: int, concurrency: int) -> None:
    session = get_session()
    numbers = iter(range(accounts))
    async with session.create_client("sts", region_name=REGION) as sts:

        async def worker() -> None:
            for number in numbers:
                role = f"arn:aws:iam::{number + 1:012}:role/bench"
                answer = await sts.assume_role(RoleArn=role, RoleSessionName="bench")
                keys = answer["Credentials"]
                async with session.create_client(
                    "ecr",
                    region_name=REGION,
                    aws_access_key_id=keys["AccessKeyId"],
                    aws_secret_access_key=keys["SecretAccessKey"],
                    aws_session_token=keys["SessionToken"],
                ) as ecr:
                    await ecr.describe_registry()
                    with suppress(ecr.exceptions.RegistryPolicyNotFoundException):
                        await ecr.get_registry_policy()

        await asyncio.gather(*(worker() for _ in range(concurrency)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
