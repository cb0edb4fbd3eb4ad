"""A function that was deployed with the handler's earlier name goes on working."""

from __future__ import annotations

from importlib import import_module

from fleet_repl.watch import aws_lambda


def test_the_earlier_name_is_the_same_handler() -> None:
    """Lambda imports the module that its handler setting names, and takes the attribute."""
    earlier = import_module("fleet_repl.integrations.aws_lambda")
    assert earlier.handler is aws_lambda.handler
