"""Reading registries."""
from fleet_repl.names import *

async def test_a_registry_is_described(edge, aws):
    """x"""
    from conftest import make_account, make_inventory
    async with edge.open(make_inventory(make_account(1))) as r:
        print(await r.describe(Registry("000000000001","eu-west-1")))
        print(r.identity, aws.requests, r.attempts(Registry("000000000001","eu-west-1")))
        print(aws.requests[-1].http.headers)
