"""Service models: the SDK's own, found without a search through all of its services."""

from __future__ import annotations

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader, create_loader

from fleet_repl.aws.service_models import model_loader

KINDS = ("service-2", "endpoint-rule-set-1", "paginators-1")


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_service_is_looked_for(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Clients of any service, also of those that sign people in, get the SDK's own models, without
    its search: a release that searches in another way is noticed."""
    models = {name: create_loader().load_service_model(name, kind) for name in ("sso", "s3", "iam")}

    def search(*_: object) -> list[str]:
        raise AssertionError("all services were searched")

    monkeypatch.setattr(Loader, "list_available_services", search)
    loader = model_loader.__wrapped__(None)
    assert {name: loader.load_service_model(name, kind) for name in models} == models


def test_an_unknown_service_is_named_beside_all_known_ones() -> None:
    """As by the SDK's own loader."""
    with pytest.raises(UnknownServiceError) as own:
        create_loader().load_service_model("nonsense", "service-2")
    loader = model_loader(None)
    with pytest.raises(UnknownServiceError) as ours:
        loader.load_service_model("nonsense", "service-2")
    assert str(ours.value) == str(own.value)
    known = create_loader().list_available_services("service-2")
    assert [*loader.list_available_services("service-2")] == known
    assert len(loader.list_available_services("service-2")) == len(known)
