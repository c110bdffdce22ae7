"""The code in the README does what the README says."""

import asyncio
import json
import re
import textwrap
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import yaml

from boxkite import Settings

README = Path(__file__).parents[2] / "README.md"


class Model:
    """A model that adds up the features of a row."""

    def predict(self, rows: Any) -> np.ndarray:
        return np.asarray(rows, dtype=float).sum(axis=1)


def code(heading: str) -> str:
    """Return the first Python block below a heading."""
    section = README.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"a": range(200), "b": [1.5, 2.5] * 100})
    names: dict[str, Any] = {"__name__": "__main__", "model": Model(), "X_train": rows}
    exec(code("At training"), names)
    return names


def predictions(metrics: str) -> list[str]:
    return [
        line.rpartition(" ")[2]
        for line in metrics.splitlines()
        if "boxkite_predictions_total{" in line
    ]


def test_flask_counts_a_prediction(trained: dict[str, Any]) -> None:
    exec(code("Flask"), trained)
    client = trained["app"].test_client()
    answer = client.post("/predict", json={"inputs": [3, 1.5]})
    assert answer.json == {"score": 4.5}
    assert answer.headers["X-Prediction-Id"]
    assert predictions(client.get("/metrics").text) == ["1"]


def test_fastapi_counts_a_prediction(trained: dict[str, Any]) -> None:
    exec(code("FastAPI"), trained)

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app=trained["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            answer = await client.post("/predict", json={"inputs": [3, 1.5]})
            return answer, await client.get("/metrics")

    answer, metrics = asyncio.run(ask())
    assert answer.json() == {"score": 4.5}
    assert answer.headers["X-Prediction-Id"]
    assert predictions(metrics.text) == ["1"]


@pytest.mark.parametrize("heading", ["Flask", "FastAPI"])
def test_a_service_takes_ten_lines(heading: str) -> None:
    assert len([line for line in code(heading).splitlines() if line]) <= 10


@pytest.mark.parametrize("heading", ["Flask", "FastAPI"])
def test_the_front_page_of_the_site_has_the_same_code(heading: str) -> None:
    index = (README.parent / "docs" / "index.md").read_text()
    assert textwrap.indent(code(heading), "   ") in index


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub and the site give the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_every_link_leads_to_a_heading_of_a_file() -> None:
    beside = [README.with_name(name) for name in ("CONTRIBUTING.md", "CHANGELOG.md")]
    pages = [README, *beside, *(README.parent / "docs").rglob("*.md")]
    links = [
        (page.name, target, anchor)
        for page in pages
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^):]*))?\)", page.read_text())
        if not (found := page.parent / target if target else page).exists()
        or (found.suffix == ".md" and anchor and anchor not in anchors(found))
    ]
    assert links == []


def test_the_two_commands_stand_at_the_top() -> None:
    top = README.read_text().split("\n## ")[0]
    assert re.findall(r"^make \w+", top, re.MULTILINE) == ["make demo", "make test"]


def test_every_setting_is_in_its_page() -> None:

    page = (README.parent / "docs/reference/settings.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+) \|$", page, re.MULTILINE)
    expected = []
    for row in fields(Settings):
        default = "none" if row.default in (None, (), "") else f"`{row.default}`"
        legacy = (
            f" Formerly `{row.metadata['legacy']}`, which still works."
            if row.metadata["legacy"]
            else ""
        )
        expected.append((row.name.upper(), default, row.metadata["meaning"] + legacy))
    assert rows == expected


PAGES = [README, *sorted((README.parent / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_code_is_in_its_language(page: Path) -> None:
    blocks = re.findall(r"^( *)```(\w+)\n(.*?)^ *```$", page.read_text(), re.DOTALL | re.MULTILINE)
    for indent, language, block in blocks:
        code = textwrap.dedent(block) if indent else block
        if language == "python":
            compile(code, page.name, "exec")
        elif language == "yaml":
            assert yaml.safe_load(code)
        elif language == "json":
            json.loads(code)
