"""The page on adapters shows the example as it is, and its service counts what it predicts."""

import asyncio
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boxkite import Baseline
from boxkite.adapters import Application, Exchange

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/guides/adapters.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_blocks_are_the_example() -> None:
    example = (ROOT / "examples/quart_adapter.py").read_text()
    service, *parts = BLOCKS
    assert service.startswith("# app.py\n")
    assert [part for part in parts if part not in example] == []
    assert sum(len(part.split()) for part in parts) == len(example.split())


@pytest.mark.parametrize("kind", [Application, Exchange])
def test_every_method_is_explained(kind: type) -> None:
    inherited = {"app", "raises", "sender"}
    methods = {name for name in dir(kind) if not name.startswith("_")} - inherited
    assert [name for name in methods if not re.search(rf"`{name}[`(]", TEXT)] == []


def test_the_service_counts_a_prediction(
    counted: Callable[[str], dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = Baseline.fit({"distance": [1, 2, 3]}, {"minutes": [17, 29, 41]}, model="delivery")
    baseline.write(tmp_path / "histogram.prom")
    (tmp_path / "app.py").write_text(BLOCKS[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "examples")
    # Not imported, because the guides have modules of the same name.
    service = runpy.run_path(str(tmp_path / "app.py"))
    del sys.modules["quart_adapter"]

    async def ask() -> tuple[object, str]:
        client = service["app"].test_client()
        answer = await client.post("/predict", json={"distance": 2})
        assert "X-Prediction-Id" in answer.headers
        metrics = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
        return await answer.get_json(), await metrics.get_data(as_text=True)

    answer, metrics = asyncio.run(ask())
    assert answer == {"minutes": 29}
    assert counted(metrics) == {
        "predictions delivery": 1,
        "sum delivery distance": 2,
        "sum delivery minutes": 29,
    }
