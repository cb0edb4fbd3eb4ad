"""CloudFormation templates read as it reads them."""

from __future__ import annotations

from typing import Any

import yaml


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, which it reads as the long ones."""


def template_of(text: str) -> dict[str, Any]:
    """The template in a text."""
    template: dict[str, Any] = yaml.load(text, Loader=Template)
    return template


def _long_form(loader: Template, suffix: str, node: yaml.Node) -> Any:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            raise AssertionError(node)
    if suffix == "GetAtt":
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Template.add_multi_constructor("!", _long_form)
