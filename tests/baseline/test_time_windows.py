"""`Baseline.fit(time=)`: natural variation is learnt, stored, and allowed for by `compare`."""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import polars as pl
import pytest

from boxkite import Baseline, compare
from boxkite.baseline.time_windows import row_cells, seconds_of
from boxkite.drift import Policy
from boxkite.errors import BaselineError, BaselineWarning

HOURS = 14 * 24


def table(hours: int = HOURS, rows: int = 150, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    """Return rows whose `daily` and `kind` follow the hour of the day and whose `steady` do not."""
    random = np.random.default_rng(seed)
    hour = np.repeat(np.arange(hours), rows)
    wave = np.sin(2 * np.pi * hour / 24)
    kind = np.where(random.random(len(hour)) < 0.3 + 0.2 * wave, "card", "cash")
    return pd.DataFrame(
        {
            "daily": random.normal(wave + shift),
            "steady": random.normal(size=len(hour)) + shift,
            "kind": kind,
            "at": pd.Timestamp("2026-03-02", tz="UTC")
            + pd.to_timedelta(hour * 3600 + random.uniform(0, 3600, len(hour)), unit="s"),
        }
    )


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def baseline(rows: pd.DataFrame) -> Baseline:
    return Baseline.fit(rows, time="at")


def hours_of(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for _, hour in rows.groupby(rows["at"].dt.floor("1h")):
        yield hour.drop(columns="at")


def test_hours_that_differ_have_directions(baseline: Baseline) -> None:
    daily, steady, kind = baseline.variables
    assert set(daily.variation) == {"1h", "1d"}  # Two weeks are too short for windows of a week.
    assert len(daily.variation["1h"].along) >= 1
    assert daily.variation["1h"].windows == pytest.approx(HOURS, abs=2)
    assert len(kind.variation["1h"].along) == 1
    assert steady.variation["1h"].is_chance
    assert daily.variation["1d"].is_chance


def test_the_column_of_times_is_no_feature(baseline: Baseline, rows: pd.DataFrame) -> None:
    assert [(each.name, each.position) for each in baseline.features] == [
        ("daily", 0),
        ("steady", 1),
        ("kind", 2),
    ]
    given = Baseline.fit(rows.drop(columns="at"), time=rows["at"])
    assert given == baseline


def test_hours_of_the_same_kind_are_no_drift_and_a_change_is(baseline: Baseline) -> None:
    later = [*hours_of(table(48, seed=1))]
    alone = [compare(baseline, hour).variables[0].verdict for hour in later]
    allowed = [compare(baseline, hour, window="1h") for hour in later]
    assert alone.count("drift") > 24
    assert [each.verdict for each in allowed] == ["ok"] * 48
    shifted = [compare(baseline, hour, window="1h") for hour in hours_of(table(24, shift=1.0))]
    assert all(each.variables[1].verdict == "drift" for each in shifted)


def test_the_order_of_the_rows_does_not_matter(baseline: Baseline, rows: pd.DataFrame) -> None:
    assert Baseline.fit(rows.sample(frac=1, random_state=1), time="at") == baseline


def test_any_library_and_seconds_give_the_same(baseline: Baseline, rows: pd.DataFrame) -> None:
    assert Baseline.fit(pl.from_pandas(rows), time="at") == baseline
    seconds = (rows["at"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()
    columns = {name: rows[name].tolist() for name in ("daily", "steady", "kind")}
    assert Baseline.fit(columns, time=seconds).variables == baseline.variables


def test_a_file_keeps_natural_variation(baseline: Baseline, rows: pd.DataFrame) -> None:
    read = Baseline.from_text(baseline.as_text())
    assert read == baseline
    assert read.variables[0].variation == baseline.variables[0].variation
    without = Baseline.fit(rows.drop(columns="at"))
    assert without.version != baseline.version
    assert "variation" not in without.as_text()


def test_rows_without_a_time_or_a_value_are_left_out(rows: pd.DataFrame) -> None:
    odd = rows.copy()
    odd.loc[odd.index[::7], "at"] = pd.NaT
    odd.loc[odd.index[::5], "daily"] = np.nan
    (daily, *_) = Baseline.fit(odd, time="at").variables
    assert daily.missing == len(odd.index[::5])
    assert len(daily.variation["1h"].along) >= 1


def test_the_winning_class_varies_too() -> None:
    rows = table()
    probability = 1 / (1 + np.exp(-rows["daily"]))
    outputs = pd.DataFrame({"yes": probability, "no": 1 - probability})
    baseline = Baseline.fit(rows[["steady"]], outputs, classes=True, time=rows["at"])
    assert len(baseline.outputs[-1].variation["1h"].along) == 1


def test_a_merged_baseline_has_no_natural_variation(baseline: Baseline) -> None:
    with pytest.warns(BaselineWarning, match="has no natural variation"):
        merged = baseline.merge(baseline)
    assert all(not each.variation for each in merged.variables)
    plain = Baseline.fit({"x": [1.0, 2.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain.merge(plain)


def test_training_that_drifts_is_a_warning() -> None:
    rows = table()
    rows["price"] = np.random.default_rng(1).normal(np.linspace(0, 1.5, len(rows)))
    with pytest.warns(BaselineWarning, match=r"last fifth differs from the first, PSI .* 'price'"):
        Baseline.fit(rows[["price", "at"]], time="at")


def test_a_window_without_natural_variation_is_judged_as_independent(baseline: Baseline) -> None:
    day = table(24, seed=3).drop(columns="at")
    policy = Policy(windows={"7d": 168.0})
    (allowed, *_), (expected, *_) = (
        compare(baseline, day, window="7d").variables,
        compare(baseline, day, policy=policy).variables,
    )
    assert (allowed.psi, allowed.critical) == (expected.psi, expected.critical)
    assert (allowed.ks_critical, allowed.scores) == (expected.ks_critical, ())


def test_other_windows_can_be_learnt(rows: pd.DataFrame) -> None:
    (daily, *_) = Baseline.fit(rows, time="at", windows=["2h"]).variables
    assert set(daily.variation) == {"2h"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"time": "when"}, "time= names the column 'when', which does not exist. Pass the name"),
        ({"time": "xx"}, "time= names the column 'xx', which does not exist. Did you mean 'x'"),
        ({"time": [1.0, 2.0]}, "time= has 2 rows, but feature 'x' has 10"),
        ({"time": ["Monday"] * 10}, "time= is a column of text"),
        ({"time": [None] * 10}, "time= has no value"),
        ({"time": np.arange(10.0), "windows": ["1w"]}, "'1w' is not the length of a window"),
    ],
)
def test_times_that_cannot_be_used_are_an_error(arguments: object, message: str) -> None:
    assert isinstance(arguments, dict)
    with pytest.raises(BaselineError, match=message):
        Baseline.fit({"x": np.arange(10.0)}, **arguments)


@pytest.mark.parametrize(("window", "seconds"), [("30m", 1800), ("1h", 3600), ("7d", 604_800)])
def test_windows_are_lengths(window: str, seconds: float) -> None:
    assert seconds_of(window) == seconds


def test_rows_have_cells() -> None:
    baseline = Baseline.fit(
        {"n": [1.0, 2.0, None, 3.0], "c": ["a", "b", None, "a"]}, bins={"n": [1.5]}
    )
    n, c = baseline.variables
    assert row_cells(n, [1.0, None, 9.0]).tolist() == [0, -1, 1]
    assert row_cells(c, ["b", "new", None, "a"]).tolist() == [1, 2, -1, 0]
