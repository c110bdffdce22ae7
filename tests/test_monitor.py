"""The monitor: whatever it is handed is counted, and nothing of it reaches the caller."""

import itertools
import math
import re
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

import boxkite
from boxkite import Baseline, BaselineError, ConfigError, Monitor, Policy, Settings
from boxkite.live.identity import Identity
from boxkite.settings import from_environment

BASELINE = Baseline.fit(
    {"delay": np.arange(100.0), "carrier": ["AA", "UA"] * 50},
    {"late": np.linspace(0, 1, 100)},
    bins=4,
)


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor(BASELINE, registry=None)
    yield made
    made.close()


def marks(monitor: Monitor) -> dict[str, tuple[int, int, int]]:
    """Return the values in cells, missing and invalid, of each variable."""
    return {each.name: (each.rows, each.missing, each.invalid) for each in monitor.drift()}


def samples(monitor: Monitor) -> dict[tuple[str, ...], float]:
    """Return what a scrape shows, by name and by the labels that tell variables apart."""
    labels = ("variable", "le", "category", "failed_stage")
    return {
        (each.name, *(each.labels[label] for label in labels if label in each.labels)): each.value
        for family in text_string_to_metric_families(monitor.export().body.decode())
        for each in family.samples
    }


def errors(monitor: Monitor) -> dict[str, int]:
    return {stage: count for stage, count in monitor.reporter.counts().items() if count}


class Hostile:
    """Raises whatever is asked of it, an error whose text raises too."""

    class Error(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    def __getattr__(self, name: str) -> Any:
        raise self.Error

    def __str__(self) -> str:
        raise self.Error

    __len__ = __iter__ = __array__ = __repr__ = __eq__ = __ne__ = __str__  # type: ignore[assignment]
    __float__ = __int__ = __bool__ = __getitem__ = __contains__ = __str__  # type: ignore[assignment]
    __hash__ = object.__hash__


class HostileMapping(dict[str, Any]):
    def items(self) -> Any:
        raise Hostile.Error


class HostileNumber(float):
    __eq__ = __ne__ = __float__ = __repr__ = Hostile.__str__  # type: ignore[assignment]
    __hash__ = object.__hash__


def _endless() -> list[Any]:
    inner: list[Any] = []
    inner.extend([inner, inner])
    return inner


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = st.sampled_from(
    [Hostile, HostileMapping, Hostile.Error, object, _endless, lambda: HostileNumber(1.0),
     lambda: (n for n in (1, 2)), itertools.count, lambda: _nested(500), lambda: _nested(5000),
     lambda: "1" * 10_000_000, lambda: b"x" * 10_000_000, lambda: "\ud800", lambda: 10**5000,
     lambda: pd.NA, lambda: pd.NaT, lambda: np.ma.masked, lambda: Decimal("sNaN"),
     lambda: np.array([[1, 2]], dtype=object), lambda: np.zeros((0, 2)), lambda: 1j,
     lambda: pd.DataFrame({"delay": [1, 2]}), lambda: pl.Series([None]), lambda: int,
     lambda: {Hostile(): 1}, lambda: {("a", 1): {2}}, lambda: {b"\xff"}, lambda: {"\ud800": 1}]
).map(lambda make: make())  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.decimals() | st.fractions() | st.complex_numbers() | st.dates() | st.datetimes()
    | st.times() | st.timedeltas() | st.uuids() | HOSTILE,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner)
    | st.dictionaries(st.sampled_from(["delay", "carrier", "late", "other", 1]), inner),
    max_leaves=8,
)  # fmt: skip
EVERYTHING = Monitor(BASELINE, registry=None)
CALLS = itertools.count(1)


@given(VALUES, VALUES, VALUES)
def test_any_prediction_leaves_exactly_one_mark_on_each_variable(
    features: Any, output: Any, request_body: Any
) -> None:
    EVERYTHING.log_prediction(features, output, request_body)
    comparison = EVERYTHING.drift()
    assert comparison.predictions == next(CALLS)
    for each in comparison:
        assert each.rows + each.missing + each.invalid == comparison.predictions
    assert EVERYTHING.reporter.counts()["journal"] == 0


@pytest.mark.parametrize(
    "features",
    [
        [12.5, "UA"],
        (12.5, "UA"),
        np.array([12.5, "UA"], dtype=object),
        np.array([[12.5, "UA"]], dtype=object),
        {"delay": np.float32(12.5), "carrier": "UA", "more": 1},
        pd.Series([12.5, "UA"]),
        pd.DataFrame({"carrier": ["UA"], "delay": [12.5]}).iloc[0],
        pd.DataFrame({"carrier": ["UA"], "delay": [12.5]}),
        pl.DataFrame({"delay": [12.5], "carrier": ["UA"]}),
        pl.DataFrame({"delay": [12.5], "carrier": ["UA"]}).row(0),
        pl.DataFrame({"delay": [12.5], "carrier": ["UA"]}).row(0, named=True),
        ["12.5", b"UA"],
        (value for value in (12.5, "UA")),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_a_row_in_any_form_is_counted_in_the_same_cells(monitor: Monitor, features: Any) -> None:
    monitor.log_prediction(features, 0.5)
    found = samples(monitor)
    live = ("value_bucket", "value_sum", "value_count", "category_total", "predictions_total",
            "missing_total", "invalid_total")  # fmt: skip
    assert {
        key: value
        for key, value in found.items()
        if value and key[0].removeprefix("boxkite_") in live
    } == {
        ("boxkite_predictions_total",): 1,
        **{("boxkite_value_bucket", "delay", le): 1 for le in ("24.5", "49.5", "74.5", "+Inf")},
        ("boxkite_value_sum", "delay"): 12.5,
        ("boxkite_value_count", "delay"): 1,
        ("boxkite_category_total", "carrier", "UA"): 1,
        **{
            key: 1
            for key in found
            if key[:2] == ("boxkite_value_bucket", "late") and float(key[2]) >= 0.5
        },
        ("boxkite_value_sum", "late"): 0.5,
        ("boxkite_value_count", "late"): 1,
    }
    assert errors(monitor) == {}


@pytest.mark.parametrize(
    ("features", "delay", "carrier", "reported"),
    [
        (None, "missing", "missing", 0),
        ({}, "missing", "missing", 0),
        ({"delay": 1}, "rows", "missing", 0),
        ([None, math.nan], "missing", "missing", 0),
        (["abc", "UA"], "invalid", "rows", 0),
        ([[1], ["UA"]], "invalid", "invalid", 1),
        ([b"\xff", b"\xff"], "invalid", "invalid", 0),
        (["x" * 10_000_000] * 2, "invalid", "rows", 0),
        (["1" * 10_000_000] * 2, "invalid", "rows", 0),
        ({"unknown": 1}, "invalid", "invalid", 1),
        ([], "invalid", "invalid", 1),
        ([1], "invalid", "invalid", 1),
        ([1, "UA", 2], "invalid", "invalid", 1),
        ([[1, "UA"], [2, "UA"], [3, "UA"]], "invalid", "invalid", 1),
        ("text", "invalid", "invalid", 1),
        (7, "invalid", "invalid", 1),
        (itertools.repeat(1), "invalid", "invalid", 1),
        (Hostile(), "invalid", "invalid", 1),
    ],
    ids=lambda value: "" if isinstance(value, Hostile | itertools.repeat) else repr(value)[:30],
)
def test_features_that_do_not_fit_are_counted_as_what_they_are(
    monitor: Monitor, features: Any, delay: str, carrier: str, reported: int
) -> None:
    where = {"rows": (1, 0, 0), "missing": (0, 1, 0), "invalid": (0, 0, 1)}
    monitor.log_prediction(features, 0.5)
    expected = {"delay": where[delay], "carrier": where[carrier], "late": (1, 0, 0)}
    assert (marks(monitor), errors(monitor)) == (
        expected,
        {"features": reported} if reported else {},
    )


@pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_of_a_value_is_not_swallowed(
    monitor: Monitor, failure: type[BaseException]
) -> None:
    def values() -> Iterator[float]:
        yield 1.0
        raise failure

    with pytest.raises(failure):
        monitor.log_prediction(values())


def test_a_later_change_of_the_callers_objects_changes_nothing(monitor: Monitor) -> None:
    features: list[Any] = [1.0, "UA"]
    named: dict[str, Any] = {"delay": 1.0, "carrier": "UA"}
    array = np.array([1.0, 2.0], dtype=object)
    for row in (features, named, array):
        monitor.log_prediction(row, 0.5)
    features.clear()
    named.clear()
    array[:] = None
    assert marks(monitor) == {"delay": (3, 0, 0), "carrier": (3, 0, 0), "late": (3, 0, 0)}


def test_ten_thousand_unseen_values_add_no_series_and_little_memory(monitor: Monitor) -> None:
    monitor.log_prediction([0, "unseen"], 0.5)
    before = set(samples(monitor))
    tracemalloc.start()
    try:
        for number in range(1, 10_000):
            monitor.log_prediction([number, f"unseen {number}"], 0.5)
        after = samples(monitor)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert set(after) == before
    assert after["boxkite_category_total", "carrier", "__unseen__"] == 10_000
    assert kept < 250_000  # 25 bytes a value; a series takes thousands


def test_threads_lose_nothing_and_no_scrape_sees_less_than_the_one_before(
    monitor: Monitor,
) -> None:
    threads = [
        threading.Thread(
            target=lambda: [monitor.log_prediction([n % 100, "UA"], 0.5) for n in range(2_000)]
        )
        for _ in range(8)
    ]
    seen = [samples(monitor)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(samples(monitor))
        monitor.drift()
    for thread in threads:
        thread.join()
    seen.append(samples(monitor))
    for before, after in itertools.pairwise(seen):
        assert {key for key, value in before.items() if value > after[key]} == set()
        assert after["boxkite_predictions_total",] == after["boxkite_value_count", "delay"]
    assert seen[-1]["boxkite_predictions_total",] == 16_000
    assert seen[-1]["boxkite_category_total", "carrier", "UA"] == 16_000
    assert seen[-1]["boxkite_value_sum", "delay"] == 16_000 * 49.5


def test_the_id_names_server_time_and_a_random_uuid(monitor: Monitor) -> None:
    server = Monitor(BASELINE, registry=None, settings=Settings(server_id="south-1"))
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
    assert re.fullmatch(f"unknown-server/{time}/{uuid}", monitor.log_prediction([1, "UA"]))
    assert re.fullmatch(f"south-1/{time}/{uuid}", server.log_prediction([1, "UA"]))
    assert monitor.log_prediction() != monitor.log_prediction()


def test_a_prediction_that_was_named_before_keeps_its_id(monitor: Monitor) -> None:
    identity = Identity("here", 1_372_939_200_123_456_789, "an-id")
    assert monitor.log_prediction([1, "UA"], identity=identity) == "here/2013-07-04T12:00:00/an-id"


def test_the_log_gets_each_record_under_the_names_of_training(records: Any) -> None:
    monitor = Monitor(BASELINE, records, registry=None)
    ids = [monitor.log_prediction([n, "UA"], 0.5) for n in range(2)]
    assert [(each.prediction_id, each.features, each.output) for each in records] == [
        (ids[n], {"delay": n, "carrier": "UA"}, 0.5) for n in range(2)
    ]


def test_a_body_is_logged_only_where_the_setting_says_so(records: Any) -> None:
    for switched_on in (False, True):
        settings = from_environment({"log_request_body": switched_on})
        monitor = Monitor(BASELINE, records, registry=None, settings=settings)
        monitor.log_prediction([1, "UA"], 0.5, {"n": 1})
    assert [each.request_body for each in records] == [msgspec.UNSET, {"n": 1}]


def test_drift_of_a_window_leaves_out_what_was_counted_before_it(monitor: Monitor) -> None:
    for _ in range(3):
        monitor.log_prediction([1, "UA"], 0.5)
    totals = monitor._counts.totals()
    member = monitor._counts.member
    assert member is not None
    member.history.keep(totals, datetime.now(UTC) - timedelta(hours=3))
    for _ in range(4):
        monitor.log_prediction([2, "UA"], 0.5)
    found = {window: monitor.drift(window).predictions for window in (None, "90m", "2h", "5d")}
    # Before the hour of the first three nothing is known: a longer window begins with it.
    assert found == {None: 7, "90m": 4, "2h": 4, "5d": 4}
    with pytest.raises(ConfigError, match="window is 'soon'"):
        monitor.drift("soon")


def test_receivers_are_told_and_one_that_fails_disturbs_nobody(monitor: Monitor) -> None:
    told = []

    def failing(_: Monitor, **__: Any) -> None:
        raise RuntimeError("receiver")

    def receiver(sender: Monitor, **values: Any) -> None:
        told.append((sender, values))

    with (
        boxkite.signals.prediction_logged.connected_to(failing),
        boxkite.signals.prediction_logged.connected_to(receiver),
    ):
        prediction_id = monitor.log_prediction([1, "UA"], 0.5)
    values = {"prediction_id": prediction_id, "features": [1, "UA"], "output": 0.5}
    assert (told, errors(monitor)) == (
        [(monitor, {"monitor": monitor, **values})],
        {"signal": 1},
    )


def test_the_baseline_is_told_to_receivers_once_it_is_loaded() -> None:
    told = []

    def receiver(sender: Monitor, monitor: Monitor, baseline: Baseline) -> None:
        told.append((sender, monitor, baseline))

    with boxkite.signals.baseline_loaded.connected_to(receiver):
        monitor = Monitor(BASELINE, registry=None, model="arrivals", version="7")
    assert told == [(monitor, monitor, monitor.baseline)]
    assert (monitor.baseline.model, monitor.baseline.version) == ("arrivals", "7")


def test_failures_are_raised_where_they_are_asked_for() -> None:
    monitor = Monitor(BASELINE, registry=None, raises=lambda: True)
    with pytest.raises(
        ValueError, match=r"^the row has 1 values, but the baseline has 2 features$"
    ):
        monitor.log_prediction([1])


def test_without_a_baseline_it_runs_and_says_once_what_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "histogram.prom"
    monitor = Monitor(registry=None, settings=Settings(baseline=str(path)))
    for output in (0.5, {"late": 1}, None, Hostile()):
        monitor.log_prediction([1, 2, 3], output)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"boxkite baseline: no baseline at {path}. Write one at training with "
        f"Baseline.fit(features, output).write('{path}'). Without it, predictions are counted, but "
        "not compared (1 so far)"
    )
    assert (monitor.drift().predictions, monitor.drift().variables) == (4, ())
    assert samples(monitor)["boxkite_errors_total", "baseline"] == 1


def test_with_no_baseline_wanted_nothing_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(registry=None, settings=Settings(baseline=""))
    monitor.log_prediction({"a": 1}, [1, 2])
    assert (monitor.drift().predictions, errors(monitor), caplog.records) == (1, {}, [])


def test_a_damaged_baseline_of_the_settings_is_reported_and_the_service_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "histogram.prom"
    path.write_text(BASELINE.as_text().replace(" 100\n", " 1OO\n", 1))
    monitor = Monitor(registry=None, settings=Settings(baseline=str(path)))
    monitor.log_prediction([1, "UA"])
    with pytest.raises(BaselineError) as caught:
        Monitor(path, registry=None)
    assert re.match(rf"{path}, line \d+: ", str(caught.value))
    assert [record.getMessage() for record in caplog.records] == [
        f"boxkite baseline: {caught.value} (1 so far)"
    ]
    assert (monitor.drift().predictions, errors(monitor)) == (1, {"baseline": 1})


def test_a_folder_as_baseline_is_reported_or_raised(tmp_path: Path) -> None:
    monitor = Monitor(registry=None, settings=Settings(baseline=str(tmp_path)))
    assert errors(monitor) == {"baseline": 1}
    with pytest.raises(IsADirectoryError):
        Monitor(tmp_path, registry=None)


def test_an_absent_baseline_given_as_argument_is_raised(tmp_path: Path) -> None:
    with pytest.raises(BaselineError) as caught:
        Monitor(tmp_path / "absent", registry=None)
    assert str(caught.value).startswith(f"no baseline at {tmp_path / 'absent'}. ")


@pytest.mark.parametrize("exposition", ["labelled", "classic"])
def test_both_expositions_are_read_by_prometheus_client(exposition: Any) -> None:
    numbers = Baseline.fit({"delay": np.arange(100.0)}, np.linspace(0, 1, 100))
    monitor = Monitor(numbers, registry=None, settings=Settings(exposition=exposition))
    monitor.log_prediction([1], 0.5)
    body, content_type = monitor.export_http(headers={"ACCEPT": "application/openmetrics-text"})
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    first = {each.name for family in openmetrics(body.decode()) for each in family.samples}
    body, content_type = monitor.export_http()
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(body.decode())
    assert {each.name for family in families for each in family.samples} == first


def test_export_http_shows_the_metrics_asked_for(monitor: Monitor) -> None:
    monitor.log_prediction([1, "UA"])
    body, _ = monitor.export_http({"name[]": ["boxkite_predictions_total"]}, {})
    assert body.decode() == (
        "# HELP boxkite_predictions_total Predictions counted.\n"
        "# TYPE boxkite_predictions_total counter\n"
        f'boxkite_predictions_total{{model_name="default",model_version="{BASELINE.version}"}} 1\n'
    )


def test_a_failing_collector_of_the_application_costs_only_its_metrics() -> None:
    class Failing:
        def collect(self) -> Any:
            raise RuntimeError("collector")

        def describe(self) -> list[Any]:
            return []

    registry = CollectorRegistry()
    registry.register(Failing())  # type: ignore[arg-type]
    monitor = Monitor(BASELINE, registry=registry)
    assert samples(monitor)["boxkite_predictions_total",] == 0
    assert errors(monitor) == {"export": 1}


def test_flush_and_close_may_be_repeated_and_the_counts_stay(monitor: Monitor) -> None:
    monitor.log_prediction([1, "UA"])
    assert [monitor.flush(), monitor.flush()] == [True, True]
    monitor.close()
    monitor.close()
    assert monitor.drift().predictions == 1
    monitor.log_prediction([2, "UA"])
    assert (monitor.flush(), monitor.drift().predictions) == (True, 2)


def test_closing_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    monitor = Monitor(BASELINE, registry=None)
    for number in range(10_000):
        monitor.log_prediction([number, "UA"])
    monitor.close()
    assert set(threading.enumerate()) - before == set()


def test_a_policy_with_an_unknown_variable_is_reported_at_the_start() -> None:
    baseline = Baseline.fit({"age": [1.0, 2.0] * 50})
    policy = Policy(variables={"agee": None})
    monitor = Monitor(baseline, log="none:", policy=policy, registry=None)
    assert monitor.reporter.counts()["baseline"] == 1
    monitor.close()
    with pytest.raises(ConfigError, match=r"Did you mean 'age'\?"):
        Monitor(baseline, log="none:", policy=policy, registry=None, raises=lambda: True)
