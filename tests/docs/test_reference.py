"""The API reference documents every public name, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "api"
PACKAGES = (
    "boxkite", "boxkite.adapters", "boxkite.drift", "boxkite.errors", "boxkite.logs",
    "boxkite.quality", "boxkite.signals", "boxkite.testing", "boxkite_flask", "boxkite_starlette",
)  # fmt: skip
DOCUMENTED = [
    name
    for page in sorted(PAGES.glob("*.md"))
    for name in re.findall(r"^\.\. auto\w+:: ([\w.]+)(?:\(\))?$", page.read_text(), re.MULTILINE)
]


def resolve(name: str) -> object:
    package, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(package), attribute)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package: str) -> None:
    # boxkite.signals has a page, and EventSender is for the monitor alone.
    documented = [resolve(name) for name in DOCUMENTED]
    missing = [
        name
        for name in importlib.import_module(package).__all__
        if name not in ("signals", "EventSender")
        and not any(resolve(f"{package}.{name}") is each for each in documented)
    ]
    assert missing == []


def test_no_name_is_documented_twice() -> None:
    assert len(set(DOCUMENTED)) == len(DOCUMENTED)
    assert [name for name in DOCUMENTED if name.rpartition(".")[0] not in PACKAGES] == []
