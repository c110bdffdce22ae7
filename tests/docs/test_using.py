"""The code of the page on using boxkite does what the page says."""

import re
from pathlib import Path
from typing import Any

from boxkite import Baseline

PAGE = Path(__file__).parents[2] / "docs" / "using.md"


def test_the_factory_counts_what_is_marked_and_set() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(code, names)
    hours = [i / 10 for i in range(100)]
    colours = ["red", "blue"] * 50
    baseline = Baseline.fit({"hours": hours, "colour": colours}, {"score": hours}, version="1")
    client = names["create_app"](baseline).test_client()
    answer = client.post("/predict", json={"minutes": 90, "colour": "red"})
    assert answer.json == {"score": 3.0, "id": answer.headers["X-Prediction-Id"]}
    metrics = client.get("/internal/metrics?name[]=boxkite_value_sum&name[]=boxkite_category_total")
    samples = [line for line in metrics.text.splitlines() if not line.startswith("#")]
    head = 'model="default",version="1",role='
    assert samples == [
        f'boxkite_value_sum{{{head}"feature",variable="hours"}} 1.5',
        f'boxkite_value_sum{{{head}"output",variable="score"}} 3.0',
        f'boxkite_category_total{{{head}"feature",variable="colour",category="blue"}} 0',
        f'boxkite_category_total{{{head}"feature",variable="colour",category="red"}} 1',
        f'boxkite_category_total{{{head}"feature",variable="colour",category="__unseen__"}} 0',
    ]
