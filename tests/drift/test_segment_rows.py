"""Each segment is compared like its rows alone, at its part of the false alarms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from boxkite import Baseline, BaselineError, compare
from boxkite.drift import Comparison, Policy, compare_counts
from boxkite.drift.rates import rate_critical

pytestmark = pytest.mark.filterwarnings("ignore:some segments have too few")


def table(rows: int = 6000, seed: int = 1, *, shift: float = 0.0) -> pd.DataFrame:
    """Return rows in which the numbers of one country are shifted."""
    rng = np.random.default_rng(seed)
    country = rng.choice(["DE", "FR", "US", None], rows, p=[0.5, 0.3, 0.15, 0.05])
    return pd.DataFrame(
        {
            "country": country,
            "age": rng.normal(40, 10, rows) + shift * (country == "US"),
            "city": [f"c{n}" for n in rng.integers(0, 6, rows)],
            "score": rng.random(rows),
        }
    )


TRAINING = table()
BASELINE = Baseline.fit(TRAINING, "score", segments=["country"])


def numbers(found: Comparison) -> list[tuple[Any, ...]]:
    names = ("name", "rows", "missing", "invalid", "outside", "psi", "ks", "critical", "verdict")
    return [tuple(getattr(each, name) for name in names) for each in found]


@pytest.mark.parametrize("window", [None, "1d"])
def test_each_segment_is_compared_like_its_rows_alone(window: str | None) -> None:
    live = table(seed=2, shift=4.0).assign(country=lambda t: t.country.replace("FR", "XX"))
    found = compare(BASELINE, live, window=window)
    assert list(found.segments) == list(BASELINE.segment_labels)
    one = Policy(false_alarms_per_month=0.5 / 5)
    places = {"DE": live.country == "DE", "US": live.country == "US"}
    places |= {"__other__": live.country == "XX", "__missing__": live.country.isna()}
    for value, rows in places.items():
        label = f"country={value}"
        alone = compare(BASELINE.segment(label), live[rows], policy=one, window=window)
        assert repr(numbers(found.segments[label])) == repr(numbers(alone))
        assert found.segments[label].predictions == rows.sum()
    empty = found.segments["country=FR"]
    assert (empty.predictions, empty.verdict) == (0, "insufficient")


def test_a_drifting_segment_is_drift_and_comes_first() -> None:
    found = compare(
        BASELINE, table(seed=3, shift=8.0), policy=Policy(min_effect=0.3, min_moved=0.3)
    )
    assert not any(each.has_changed for each in found)
    assert found.verdict == "drift"
    assert found.severity == "warning"
    assert found.summary == "4 ok, changes in 1 of 5 segments"
    label, worst = found.worst_segments[0]
    assert (label, worst.drifted[0].name) == ("country=US", "age")
    document = found.as_dict()
    assert next(iter(document["segments"])) == "country=US"
    assert document["verdict"] == "drift"
    text = found.metrics_text()
    assert 'boxkite_compare_rows{model_name="default",model_version="' in text
    verdict = 'segment="country=US",variable_role="feature",variable="age",verdict="drift"} 1'
    assert verdict in text
    assert compare(BASELINE, table(seed=4)).verdict == "ok"


def test_severity_of_a_segment_counts_only_if_the_variable_is_fine_in_all_rows() -> None:
    policy = Policy(min_effect=0.6, min_moved=0.3, min_rate=0.5)
    only_segment = compare(BASELINE, table(seed=3, shift=25.0), policy=policy)
    assert not any(each.has_changed for each in only_segment)
    assert only_segment.severity == "critical"
    everywhere = table(seed=3).assign(age=lambda t: t.age + 5 + 20 * (t.country == "US"))
    found = compare(BASELINE, everywhere, policy=Policy(min_effect=0.25, min_moved=0.2))
    assert found.segments["country=US"].severity == "critical"
    assert found.severity == next(each.severity for each in found if each.has_changed)


def test_the_false_alarms_of_the_policy_are_divided() -> None:
    policy = Policy()
    labels = BASELINE.segment_labels
    parts = [policy.part(label, len(labels)) for label in ("", *labels)]
    total = sum(each.share_of_all("1h") for each in parts)
    assert total == pytest.approx(policy.share_of_all("1h"))
    assert parts[0].share_of_all("1h") == pytest.approx(policy.share_of_all("1h") / 2)
    rates = sum(math.exp(-rate_critical(each, 4)) for each in parts)
    assert rates == pytest.approx(math.exp(-rate_critical(policy, 4)))
    assert policy.part("", 0) is policy


def test_segments_of_a_column_that_is_no_feature_come_from_any_column() -> None:
    baseline = Baseline.fit(TRAINING, "score", segments={"land": "country"})
    live = table(seed=5, shift=3.0)
    expected = compare(BASELINE, live.drop(columns="country"), segments={"country": live.country})
    for found in (
        compare(baseline, live.rename(columns={"country": "land"})),
        compare(baseline, live, segments={"land": "country"}),
        compare(baseline, pl.from_pandas(live), segments={"land": live.country.tolist()}),
    ):
        assert [[each.psi for each in part] for part in found.segments.values()] == [
            [each.psi for each in part][1:] for part in expected.segments.values()
        ]


def test_without_the_column_a_feature_is_missing_and_other_columns_are_asked_for() -> None:
    live = table(seed=6).drop(columns="country")
    absent = compare(BASELINE, live)
    assert not absent.segments
    assert absent.verdict == "drift"
    baseline = Baseline.fit(TRAINING, "score", segments={"country": "country"})
    with pytest.raises(BaselineError, match="has segments of 'country', but the table has no"):
        compare(baseline, live)
    assert compare(baseline, live, segments=()).segments == {}
    with pytest.raises(BaselineError, match="names 'land', but the baseline has segments of"):
        compare(baseline, live, segments=["land"])
    with pytest.raises(BaselineError, match="in memory, so their rows cannot be matched"):
        compare(baseline, pl.from_pandas(live).lazy(), segments={"country": table().country})


def test_an_absent_column_is_missing_in_each_segment_too() -> None:
    found = compare(BASELINE, table(seed=7).drop(columns="age"))
    of_segment = next(each for each in found.segments["country=DE"] if each.name == "age")
    assert of_segment.absent
    assert of_segment.changed_rates == ("missing",)


def test_counts_of_all_rows_alone_compare_no_segment() -> None:
    tallies = [counts for _, counts in compare(BASELINE, table(seed=8)).counts]
    assert compare_counts(BASELINE, tallies, 6000).segments == {}
