"""From an HTTP request to its answer, in two steps with time between them.

`arrive` finds out who calls what and draws the lot of the call; then the latency of the lot passes,
and as much as `waits` says; `conclude` carries the call out. Nothing here waits or touches a
socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from fleet_repl.sandbox.aws_errors import AwsError, Common, Service, common
from fleet_repl.sandbox.cloudformation import describe_stack_resources
from fleet_repl.sandbox.cloudtrail import lookup_events, record_call
from fleet_repl.sandbox.ecr import call_ecr
from fleet_repl.sandbox.faults import Lot
from fleet_repl.sandbox.iam import simulate_principal_policy
from fleet_repl.sandbox.keys import AccessKey
from fleet_repl.sandbox.organizations import call_organizations
from fleet_repl.sandbox.queues import call_sqs, waiting_seconds
from fleet_repl.sandbox.regions import describe_regions, list_regions
from fleet_repl.sandbox.scenario import Mishap
from fleet_repl.sandbox.shapes import OPERATIONS, json_object
from fleet_repl.sandbox.signatures import Claim, Request, claim_of, verified
from fleet_repl.sandbox.sts import Result, call_sts, role_of
from fleet_repl.sandbox.wire import Reply, error_reply, garbage_reply, json_reply, xml_reply
from fleet_repl.sandbox.workloads import call_ecs, call_lambda, operation_of, parameters_of
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region

_TARGETS: Final = {
    Service.CLOUDTRAIL: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.",
    Service.ECR: "AmazonEC2ContainerRegistry_V20150921.",
    Service.ECS: "AmazonEC2ContainerServiceV20141113.",
    Service.ORGANIZATIONS: "AWSOrganizationsV20161128.",
    Service.SQS: "AmazonSQS.",
}
_SPOKEN: Final = frozenset(Service)
_ERRORS: Final = {
    Mishap.THROTTLED: Common.THROTTLED,
    Mishap.SERVER_ERROR: Common.FAILED,
    Mishap.DENIED: Common.DENIED,
    Mishap.UNKNOWN_KEY: Common.UNKNOWN_KEY,
    Mishap.EXPIRED_TOKEN: Common.EXPIRED,
}
"""The mishaps that are errors of AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation that a request asks for, and the key that signed it."""

    service: Service
    key: AccessKey
    region: Region
    operation: str
    members: JsonObject = field(default_factory=dict)
    """Parameters of a service that speaks JSON."""
    form: Mapping[str, str] = field(default_factory=dict)
    """Parameters of any other."""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A well-formed call with a valid signature, and its lot."""

    call: Call
    lot: Lot


def arrive(world: World, request: Request) -> Arrival | Reply:
    """Returns the call of a request, or the error that refuses the request at once."""
    claim = claim_of(request)
    service = _service(request, claim)
    try:
        key, region = _caller(world, request, claim, service)
        call = _read(request, service, key, region)
        world.calls[call.operation] += 1
        if not key.is_known(world.clock.monotonic()):
            raise common(service, Common.UNKNOWN_KEY)
        if not key.use(world.clock.monotonic()):
            raise common(service, Common.EXPIRED)
        if not world.quotas.admit(service, key.identity.account, region):
            raise common(service, Common.THROTTLED)
    except AwsError as error:
        return error_reply(service, error, world.keyring.request_id())
    return Arrival(call=call, lot=world.faults.draw(_account(call), region, call.operation))


def waits(world: World, arrival: Arrival) -> float:
    """Returns the seconds that a call may wait for what it asks for; 0 once it is there."""
    call = arrival.call
    if call.service is not Service.SQS:
        return 0
    world.run_due()
    return waiting_seconds(world.queues, call.region, call.operation, call.members)


def conclude(world: World, arrival: Arrival) -> Reply | None:
    """Carries a call out as its lot demands. Returns None to close the connection unanswered."""
    call, mishap = arrival.call, arrival.lot.mishap
    if mishap is Mishap.DROPPED:
        return None
    if mishap is Mishap.GARBAGE:
        return garbage_reply()
    error = _suffered(call, mishap)
    if error is not None:
        request_id = world.keyring.request_id()
        return error_reply(call.service, common(call.service, error), request_id)
    reply = _carried_out(world, call)
    return None if mishap is Mishap.LOST_ANSWER else reply


def _suffered(call: Call, mishap: Mishap | None) -> Common | None:
    """Returns the error that AWS answers with instead of the operation, if any."""
    if mishap is Mishap.EXPIRED_TOKEN and not call.key.revoke():
        # The base identity signs with a key of its own, which has no session to lose.
        return None
    return None if mishap is None else _ERRORS.get(mishap)


def _service(request: Request, claim: Claim | None) -> Service:
    """Returns the service that answers a request, even a malformed one."""
    if claim is not None and claim.service in _SPOKEN:
        return Service(claim.service)
    return Service.ECR if "x-amz-target" in request.headers else Service.STS


def _caller(
    world: World, request: Request, claim: Claim | None, service: Service
) -> tuple[AccessKey, Region]:
    if claim is None:
        unsigned = not request.headers.get("authorization")
        raise common(service, Common.UNSIGNED if unsigned else Common.INCOMPLETE)
    key = verified(request, claim, service, world.keyring)
    if claim.service != service:
        raise AwsError(
            "UnknownOperationException",
            f"The sandbox speaks {', '.join(Service)}, not {claim.service}",
        )
    return key, claim.region


def _read(request: Request, service: Service, key: AccessKey, region: Region) -> Call:
    if service.speaks_json:
        operation = _json_operation(service, request)
        _check_known(service, operation, "UnknownOperationException")
        return Call(
            service=service,
            key=key,
            region=region,
            operation=operation,
            members=_members(service, request),
            user_agent=request.headers.get("user-agent", ""),
        )
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    operation = form.get("Action", "")
    _check_known(service, operation, "InvalidAction")
    return Call(service=service, key=key, region=region, operation=operation, form=form)


def _json_operation(service: Service, request: Request) -> str:
    if service is Service.ACCOUNT:
        # Its operations are paths, such as /listRegions.
        return request.path[1:2].upper() + request.path[2:]
    if service is Service.LAMBDA:
        return operation_of(request.path)
    return request.headers.get("x-amz-target", "").removeprefix(_TARGETS[service])


def _members(service: Service, request: Request) -> JsonObject:
    if service is Service.LAMBDA:
        return parameters_of(request.path, request.query)
    members = json_object(request.body or b"{}")
    if members is None:
        raise AwsError("SerializationException", "The request body is not a JSON object")
    return members


def _check_known(service: Service, operation: str, code: str) -> None:
    if operation not in OPERATIONS[service]:
        raise AwsError(
            code, f"The sandbox speaks {', '.join(OPERATIONS[service])}, not '{operation}'"
        )


def _account(call: Call) -> AccountId:
    """Returns the account whose faults hit a call: for AssumeRole that of the role."""
    role = role_of(call.form)
    return call.key.identity.account if role is None else role.account


def _carried_out(world: World, call: Call) -> Reply:
    request_id = world.keyring.request_id()
    refusal: AwsError | None = None
    try:
        if call.service.speaks_json:
            reply = json_reply(call.service, _json_answer(world, call), request_id)
        else:
            reply = xml_reply(call.service, call.operation, _result(world, call), request_id)
    except AwsError as error:
        refusal, reply = error, error_reply(call.service, error, request_id)
    if call.service is Service.ECR:
        record_call(
            world.trail,
            call.key.identity,
            call.region,
            call.operation,
            call.members,
            user_agent=call.user_agent,
            request_id=request_id,
            error=refusal,
        )
    return reply


def _json_answer(world: World, call: Call) -> JsonObject:  # noqa: PLR0911 - one for each service
    caller, operation, members = call.key.identity, call.operation, call.members
    if call.service is Service.ORGANIZATIONS:
        return call_organizations(world.organization, caller, operation, members)
    if call.service is Service.ACCOUNT:
        return list_regions(world.directory, caller, members)
    if call.service is Service.ECS:
        return call_ecs(world, caller, call.region, operation, members)
    if call.service is Service.LAMBDA:
        return call_lambda(world, caller, call.region, operation, members)
    if call.service is Service.SQS:
        world.directory.check_allowed(caller, f"sqs:{operation}")
        return call_sqs(world.queues, call.region, operation, members)
    if call.service is Service.CLOUDTRAIL:
        return lookup_events(world.trail, world.directory, caller, call.region, members)
    return call_ecr(world, caller, call.region, operation, members)


def _result(world: World, call: Call) -> Result:
    caller, form = call.key.identity, call.form
    if call.service is Service.IAM:
        return simulate_principal_policy(world.directory, caller, form)
    if call.service is Service.CLOUDFORMATION:
        stacks = world.scenario.registries
        return describe_stack_resources(stacks, world.directory, caller, call.region, form)
    if call.service is Service.EC2:
        return describe_regions(world.directory, caller, form)
    return call_sts(world, call.key, call.region, call.operation, form)
