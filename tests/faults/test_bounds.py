"""Nothing that requests bring adds a series or memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import json, random, resource, sys
import numpy as np
from boxkite import Baseline, Monitor, Settings

baseline = Baseline.fit({"a": np.arange(100.0), "c": ["x", "y"] * 50}, {"score": np.arange(100.0)})
monitor = Monitor(baseline, registry=None, settings=Settings(state_dir=sys.argv[1], log="none:"))

def resident():
    with open("/proc/self/statm") as file:
        private = file.read().split()
    return (int(private[1]) - int(private[2])) * resource.getpagesize()

def series():
    text = monitor.export_http()[0].decode()
    return sorted(line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#")

def hostile(number):
    chosen = random.Random(number)
    names = [f"n{number}-{i}" for i in range(chosen.randrange(20))]
    deep = []
    for _ in range(chosen.randrange(100)):
        deep = [deep]
    return chosen.choice([
        {name: number for name in names}, [number] * chosen.randrange(50), number, f"text {number}",
        None, [deep, deep], {"a": deep, "c": {f"k{number}": 1}}, [f"v{number}", object()],
        {"a": f"{number}", "c": f"{number}"}, [float("nan"), "x" * chosen.randrange(2000)],
        {number: number}, b"bytes", [[1, 2], [3, 4]], {"c": names},
    ])

def unseen(number):
    return {"a": number * 1e3, "c": f"never seen {number}"}

make = {"hostile": hostile, "unseen": unseen}[sys.argv[2]]

def predict(numbers):
    for number in numbers:
        features = make(number)
        monitor.log_prediction(features, number if number % 3 else features)
        if number % 1000 == 0:
            series()

warm = int(sys.argv[3])
predict(range(warm))
before, memory = series(), resident()
predict(range(warm, warm + int(sys.argv[4])))
after = series()
grown = resident() - memory
found = [len(before), before == after, grown < 1_000_000, monitor.drift().predictions, grown]
print(json.dumps(found))
monitor.close()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("what", "warm", "number"),
    [
        ("hostile", 5_000, 10_000),
        ("unseen", 5_000, 20_000),
        pytest.param("unseen", 50_000, 1_000_000, marks=[pytest.mark.slow, pytest.mark.exhaustive]),
    ],
    ids=["hostile-10000", "unseen-20000", "unseen-1000000"],
)
def test_no_request_adds_a_series_or_memory(
    what: str, warm: int, number: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", MEASURE, str(tmp_path), what, str(warm), str(number)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    series, same_series, small, predictions, grown = json.loads(result.stdout)
    assert series > 50
    assert same_series
    assert predictions == warm + number
    assert small, f"{grown:,} bytes more"
