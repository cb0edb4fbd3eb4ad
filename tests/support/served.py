"""A small fleet, a clock that only sleeping moves, and signed calls to a served world."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.support.clock import VirtualClock

from fleet_repl.sandbox import Server, World
from fleet_repl.values.names import AccountId, Partition, Region, RoleArn

HUB = AccountId("111111111111")
SPOKE = AccountId("222222222222")
OTHER = AccountId("333333333333")
CUSTOMER = AccountId("444444444444")
EAST = Region("us-east-1")
WEST = Region("eu-west-1")
EXTERNAL_ID = "open-sesame"


def role_in(account: str, path: str = "ops/fleet-replication") -> RoleArn:
    return RoleArn(partition=Partition.AWS, account=AccountId(account), path=path)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str]:
        """Code and message, of either protocol."""
        if self.body.startswith(b"<"):
            error = {
                element.tag.rpartition("}")[2]: element.text or "" for element in self.xml.iter()
            }
            return error["Code"], error["Message"]
        return self.json["__type"], self.json["message"]

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)


@dataclass(kw_only=True)
class Served:
    """A world behind a real port, and ways to call it."""

    world: World
    server: Server
    clock: VirtualClock
    http: aiohttp.ClientSession
    sdk: AioSession
    sessions: dict[str, Credentials] = field(default_factory=dict)

    @property
    def base(self) -> Credentials:
        return Credentials(self.server.access_key_id, self.server.secret_access_key)

    def signed(
        self, service: str, body: bytes, headers: Mapping[str, str], key: Credentials, region: str
    ) -> dict[str, str]:
        """The headers of a request, signed as botocore does."""
        request = AWSRequest("POST", self.server.url + "/", data=body, headers=dict(headers))
        SigV4Auth(key, service, region).add_auth(request)
        return dict(request.headers.items())

    async def send(self, body: bytes, headers: Mapping[str, str], path: str = "/") -> Answer:
        async with self.http.post(
            self.server.url + path, data=io.BytesIO(body), headers=headers
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def sts(
        self, form: Mapping[str, str], *, key: Credentials | None = None, region: str = EAST
    ) -> Answer:
        """An STS call, by the base identity unless a key is given."""
        body = urlencode({"Version": "2011-06-15", **form}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        key = key or self.base
        return await self.send(body, self.signed("sts", body, headers, key, region))

    async def assume(
        self,
        account: str,
        *,
        key: Credentials | None = None,
        path: str = "ops/fleet-replication",
        **form: str,
    ) -> Answer:
        """AssumeRole of the account's role with the right external id, unless told otherwise."""
        asked = {
            "Action": "AssumeRole",
            "RoleArn": f"arn:aws:iam::{account}:role/{path}",
            "RoleSessionName": "fleet-run1",
            "ExternalId": EXTERNAL_ID,
            **form,
        }
        return await self.sts({name: text for name, text in asked.items() if text}, key=key)

    async def session(self, account: str, **how: Any) -> Credentials:
        """Credentials of a new session in the account, assumed as `assume` says."""
        answer = await self.assume(account, **how)
        assert answer.status == 200, answer.body
        return self.credentials(answer)

    @staticmethod
    def credentials(answer: Answer) -> Credentials:
        """What an AssumeRole gave."""
        given = {
            element.tag.rpartition("}")[2]: element.text or "" for element in answer.xml.iter()
        }
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    async def ecr(
        self,
        operation: str,
        members: object = None,
        *,
        account: str = HUB,
        region: str = EAST,
        key: Credentials | None = None,
    ) -> Answer:
        """An ECR call by the account's role, whatever botocore would say to the parameters."""
        if key is None:
            if account not in self.sessions:
                self.sessions[account] = await self.session(account)
            key = self.sessions[account]
        body = json.dumps({} if members is None else members).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
        }
        return await self.send(body, self.signed("ecr", body, headers, key, region))

    async def done(self, operation: str, members: object = None, **how: Any) -> Any:
        """The members of the answer to an ECR call that has to succeed."""
        answer = await self.ecr(operation, members, **how)
        assert answer.status == 200, answer.body
        return answer.json

    async def refused(self, operation: str, members: object = None, **how: Any) -> tuple[str, str]:
        """Code and message of an ECR call that has to be refused with a 400."""
        answer = await self.ecr(operation, members, **how)
        assert answer.status == 400, answer.body
        return answer.error

    def client(
        self, service: str, key: Credentials | None = None, region: str = EAST
    ) -> AbstractAsyncContextManager[Any]:
        """An aiobotocore client that tries once."""
        key = key or self.base
        client: AbstractAsyncContextManager[Any] = self.sdk.create_client(
            service,
            region_name=region,
            endpoint_url=self.server.url,
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret_key,
            aws_session_token=key.token,
            config=AioConfig(retries={"total_max_attempts": 1}),
        )
        return client


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Served]]
