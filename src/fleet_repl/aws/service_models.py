"""The SDK's service models, looked up where they are.

For each kind of model, the SDK's own loader looks into the folders of all its 430 services to find
one of them, which takes as long as a hundred calls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader, create_loader

MODELS: Final = Path(__file__).parent / "models"
"""Extensions of the SDK's service models, laid out as its data loader wants them."""


class ModelLoader(Loader):  # type: ignore[misc]  # the SDK has no types
    """A loader that looks into the folder of a service alone."""

    def list_available_services(self, type_name: str) -> Collection[str]:
        return _Services(self, type_name)

    def listed(self, type_name: str) -> list[str]:
        """The services that have a model of this type, by the SDK's own search."""
        services: list[str] = super().list_available_services(type_name)
        return services


class _Services(Collection[str]):
    """The services with models of a type, none of which is looked for before it is asked about."""

    def __init__(self, loader: ModelLoader, type_name: str) -> None:
        self._loader = loader
        self._type_name = type_name

    def __contains__(self, service: object) -> bool:
        try:
            return bool(self._loader.list_api_versions(service, self._type_name))
        except DataNotFoundError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._loader.listed(self._type_name))

    def __len__(self) -> int:
        return len(self._loader.listed(self._type_name))


@cache
def model_loader(data_path: str | None) -> ModelLoader:
    """The SDK's service models, megabytes of JSON: read once for all runs of a process.

    Ours go first on the search path: they add to ECR's models what an older SDK does not know, and
    nothing to those of a newer SDK. `data_path`: folders with further models, as the SDK has it.
    """
    paths = [str(MODELS), *create_loader(data_path).search_paths]
    return ModelLoader(paths, include_default_search_paths=False)
