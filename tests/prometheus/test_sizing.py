"""The estimate of what a fleet costs, beside what a service really exports."""

from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.prometheus.sizing import Fleet
from boxkite.settings import Settings


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    random = np.random.default_rng(1)
    columns = {
        "x": random.normal(size=3000),
        "c": random.choice(["a", "b", "c"], 3000).tolist(),
        "s": random.choice(["S", "M", "L"], 3000).tolist(),
    }
    score = {"score": random.normal(size=3000)}
    return Baseline.fit(columns, score, ordered={"s": ["S", "M", "L"]})


@pytest.fixture(scope="module")
def varying() -> Baseline:
    """A baseline with natural variation of an hour and a day."""
    random = np.random.default_rng(1)
    hours = np.repeat(np.arange(28 * 24), 50)
    values = random.normal(np.sin(2 * np.pi * hours / 24))
    return Baseline.fit({"x": values, "y": random.normal(size=len(hours))}, time=hours * 3600.0)


@pytest.mark.parametrize("export_baseline", [True, False])
@pytest.mark.parametrize("kind", ["baseline", "varying"])
def test_a_replica_exports_as_many_series_as_estimated(
    request: pytest.FixtureRequest, kind: str, export_baseline: bool, tmp_path: Path
) -> None:
    baseline: Baseline = request.getfixturevalue(kind)
    settings = Settings(export_baseline=export_baseline)
    monitor = Monitor(baseline, log=tmp_path, settings=settings, registry=None)
    lines = monitor.export().body.decode().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    size = Fleet(baseline, replicas=7).size(export_baseline=export_baseline)
    assert size.series_a_replica == len(series)
    of_baseline = sum(each.startswith("boxkite_baseline") for each in series)
    others = 0 if export_baseline else Fleet(baseline, 1).size().exported - size.series_a_replica
    assert size.exported == 7 * len(series) + others
    assert (of_baseline > 0) is export_baseline
    monitor.close()


def test_a_scrape_half_as_often_is_half_of_the_samples(baseline: Baseline) -> None:
    often, seldom = (Fleet(baseline, 500, scrape_interval=each).size() for each in (15.0, 30.0))
    assert seldom.samples_a_second == pytest.approx(often.samples_a_second / 2, rel=0.02)
    assert seldom.processor_share < often.processor_share
