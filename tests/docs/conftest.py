"""Write the code blocks of a page to files. Each block starts with the name of its file."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.programs import free_port, running, until_answered

DOCS = Path(__file__).parents[2] / "docs"


class Page:
    """A page of the documentation, and a folder with its files.

    Args:
        name: Path of the page below docs/.
        folder: Folder that the blocks are written to.
        tabs: Label of a tab, such as "Flask", and pages that go on from this one in such a tab.
    """

    def __init__(self, name: str, folder: Path, *tabs: str) -> None:
        self.name = name
        self.text = (DOCS / name).read_text()
        if tabs:
            label, *pages = tabs
            self.text += "".join(tab(DOCS / page, label) for page in pages)
        self.folder = folder
        blocks: list[str] = re.findall(r"```(?:python|yaml)\n(.*?)```", self.text, re.DOTALL)
        self.files = {block.split(maxsplit=2)[1]: block for block in blocks}
        assert len(self.files) == len(blocks)
        for file, block in self.files.items():
            (folder / file).write_text(block)

    def shell(self) -> list[str]:
        """Return the lines that a reader types into a shell."""
        blocks = re.findall(r"```sh\n(.*?)```", self.text, re.DOTALL)
        return [line for block in blocks for line in block.splitlines()]

    def module(self, file: str) -> ModuleType:
        """Import one of the files. Files that it imports are imported once per page."""
        return importlib.import_module(file.removesuffix(".py"))


def tab(page: Path, label: str) -> str:
    """Return the text in the tabs of a page that have this label."""
    pattern = rf"^:::\{{tab-item\}} {label}\n(.*?)^:::\n"
    return "".join(re.findall(pattern, page.read_text(), re.DOTALL | re.MULTILINE))


@pytest.fixture
def open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page, makes its folder the current one and trains its model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLASK_BOXKITE_STATE_DIR", str(tmp_path / "state"))
    before = set(sys.modules)

    def opened(name: str, *tabs: str) -> Page:
        page = Page(name, tmp_path, *tabs)
        page.module("train.py")
        return page

    yield opened
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def counted() -> Callable[[str], dict[str, float]]:
    """Give a function that reads the counts of a scrape, by meaning, model and variable."""

    def read(metrics: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in metrics.splitlines():
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            if name in _COUNTED and float(value):
                found[" ".join([_COUNTED[name], *_LABELS.findall(labels)])] = float(value)
        return found

    return read


_COUNTED = {
    "boxkite_predictions_total": "predictions",
    "boxkite_value_sum": "sum",
    "boxkite_category_total": "rows",
    "boxkite_missing_total": "missing",
    "boxkite_invalid_total": "invalid",
    "boxkite_errors_total": "errors",
}
_LABELS: Any = re.compile(r'(?:model_name|variable|category|failed_stage)="(.*?)"')


@pytest.fixture
def serve() -> Callable[[str, Path], AbstractContextManager[httpx.Client]]:
    """Give a function that runs the server command of a page on a free port, with a client."""

    @contextmanager
    def served(command: str, folder: Path) -> Iterator[httpx.Client]:
        port = str(free_port())
        arguments = [sys.executable, "-m", *shlex.split(command.replace("8000", port))]
        address = f"http://127.0.0.1:{port}"
        # On a busy machine, uvicorn would kill a worker that does not answer for 5 seconds.
        environment = os.environ | {"UVICORN_TIMEOUT_WORKER_HEALTHCHECK": "120"}
        with (
            running(
                arguments, folder / "output", folder=folder, environment=environment
            ) as process,
            httpx.Client(base_url=address, timeout=30) as client,
        ):
            until_answered(f"{address}/metrics", process)
            yield client

    return served
