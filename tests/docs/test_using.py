"""The code of the page on using boxkite does what the page says."""

import re
from pathlib import Path
from typing import Any

from boxkite import Baseline

PAGE = Path(__file__).parents[2] / "docs" / "using.md"


def block(number: int) -> dict[str, Any]:
    """What one of the page's two blocks of code defines."""
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec((first, second)[number], names)
    return names


def test_the_factory_counts_what_is_marked_and_set() -> None:
    names = block(0)
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


def test_each_of_several_models_counts_its_own_predictions() -> None:
    kilometres = [float(i) for i in range(1, 101)]
    app = block(1)["create_service"](
        Baseline.fit({"distance": kilometres}, {"minutes": kilometres}, version="1"),
        Baseline.fit({"distance": kilometres}, {"price": kilometres}, version="1"),
    )
    client = app.test_client()
    for path in ("/delay", "/price", "/price"):
        assert client.post(path, json={"distance": 3.0}).status_code == 200
    metrics = client.get("/metrics?name[]=boxkite_value_sum").text.splitlines()[2:]
    assert metrics == [
        'boxkite_value_sum{model="delay",version="1",role="feature",variable="distance"} 3.0',
        'boxkite_value_sum{model="delay",version="1",role="output",variable="minutes"} 12.0',
        'boxkite_value_sum{model="price",version="1",role="feature",variable="distance"} 6.0',
        'boxkite_value_sum{model="price",version="1",role="output",variable="price"} 10.0',
    ]
