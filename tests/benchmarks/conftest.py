"""The modules of a benchmark are imported by their short names."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture(autouse=True)
def modules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test import the modules in its `FOLDER`, and forget them again."""
    folder = getattr(request.module, "FOLDER", None)
    if folder is None:
        yield
        return
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        module: ModuleType | None = sys.modules[name]
        if str(getattr(module, "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
