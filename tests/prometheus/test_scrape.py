"""The answer to a scrape, as Prometheus, promtool and prometheus-client read it."""

import gzip
import subprocess
from collections.abc import Iterator
from email.message import Message
from typing import Any, get_args

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from boxkite import Baseline, Monitor
from boxkite.baseline.baseline import Exposition
from boxkite.prometheus.scrape import Scrape
from boxkite.settings import Settings

EXPOSITIONS = get_args(Exposition)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
TEXT_ONLY = "text/plain;version=0.0.4"


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    features = {
        "delay": [-30.0, -1.5, 0.0, 2.0, 40.0, None] * 20,
        "distance": [2e6, 3e6, 5e6, 1e-7, 80.0, 7.0] * 20,
        'carrier "\\\n😀': ["UA", "DL", 'a "b"\n\\', "😀", None, "UA"] * 20,
        "weekend": [True, False, False, True, True, True] * 20,
    }
    return Baseline.fit(features, {"score": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] * 20})


def monitor_of(
    baseline: Baseline, exposition: Exposition = "labelled", registry: Any = None
) -> Monitor:
    return Monitor(baseline, settings=Settings(exposition=exposition), registry=registry)


def series(text: str) -> dict[str, str]:
    """Return the value of each sample, which must be there once."""
    pairs = [line.rpartition(" ")[::2] for line in text.splitlines() if not line.startswith("#")]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def text_of(scrape: Scrape) -> str:
    body = gzip.decompress(scrape.body) if scrape.content_encoding else scrape.body
    return body.decode()


@pytest.mark.parametrize(
    ("accept", "media_type", "version"),
    [
        ("", "text/plain", "0.0.4"),
        ("*/*", "text/plain", "0.0.4"),
        ("text/html", "text/plain", "0.0.4"),
        (TEXT_ONLY, "text/plain", "0.0.4"),
        (OPENMETRICS, "application/openmetrics-text", "1.0.0"),
        (PROMETHEUS_2, "application/openmetrics-text", "1.0.0"),
        (PROMETHEUS_3, "application/openmetrics-text", "1.0.0"),
    ],
)
def test_accept_chooses_the_format_and_its_content_type(
    baseline: Baseline, accept: str, media_type: str, version: str
) -> None:
    scrape = monitor_of(baseline).export(accept=accept)
    content_type = Message()
    content_type["Content-Type"] = scrape.headers["Content-Type"]
    assert content_type.get_content_type() == media_type
    assert content_type.get_param("version") == version
    assert content_type.get_content_charset() == "utf-8"
    assert text_of(scrape).count("# EOF\n") == (media_type != "text/plain")


def test_export_http_gives_body_and_content_type_for_a_view_of_ones_own(
    baseline: Baseline,
) -> None:
    monitor = monitor_of(baseline)
    wanted = monitor.export(accept=OPENMETRICS, names=["boxkite_predictions_total"])
    headers = {"accept": OPENMETRICS, "accept-encoding": "gzip"}
    found = monitor.export_http({"name[]": ["boxkite_predictions_total"]}, headers)
    assert found == (wanted.body, wanted.content_type)


@pytest.mark.parametrize(
    ("accept_encoding", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("deflate, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("br, *;q=0.1", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, *", None),
        ("xgzip", None),
    ],
)
def test_gzip_is_used_where_the_scraper_takes_it(
    baseline: Baseline, accept_encoding: str, encoding: str | None
) -> None:
    monitor = monitor_of(baseline)
    scrape = monitor.export(accept_encoding=accept_encoding)
    assert scrape.headers.get("Content-Encoding") == encoding
    assert scrape.headers["Vary"] == "Accept, Accept-Encoding"
    assert text_of(scrape) == text_of(monitor.export())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["boxkite_predictions_total"], {"boxkite_predictions_total"}),
        (["boxkite_predictions"], {"boxkite_predictions_total"}),
        (["boxkite_value_sum"], {"boxkite_value_sum"}),
        (["boxkite_value"], {"boxkite_value_bucket", "boxkite_value_sum", "boxkite_value_count"}),
        (["boxkite_baseline_bin", "app_total"], {"boxkite_baseline_bin", "app_total"}),
        (["nothing_of_this_name"], set()),
    ],
)
@pytest.mark.parametrize("accept", [TEXT_ONLY, OPENMETRICS])
def test_names_choose_samples_or_metrics(
    baseline: Baseline, names: list[str], expected: set[str], accept: str
) -> None:
    registry = CollectorRegistry()
    Counter("app", "The application's.", registry=registry)
    monitor = monitor_of(baseline, registry=registry)
    text = text_of(monitor.export(accept=accept, names=names))
    assert {name.partition("{")[0] for name in series(text)} == expected


class NotSearched(list[str]):
    """Names that may be read once, and not searched for each series."""

    def __contains__(self, name: object) -> bool:
        raise AssertionError(f"a list of {len(self)} names was searched for {name!r}")


def test_thousands_of_names_are_not_searched_for_each_series(baseline: Baseline) -> None:
    registry = CollectorRegistry()
    Counter("app", "The application's.", registry=registry)
    monitor = monitor_of(baseline, registry=registry)
    names = NotSearched([f"name_{number}" for number in range(7000)] + ["app_total"])
    assert set(series(text_of(monitor.export(names=names)))) == {"app_total"}


@pytest.mark.parametrize("accept", [TEXT_ONLY, OPENMETRICS])
def test_the_applications_metrics_follow_in_the_same_answer(
    baseline: Baseline, accept: str
) -> None:
    registry = CollectorRegistry()
    Counter("app_requests", "The application's.", registry=registry).inc(3)
    own = series(text_of(monitor_of(baseline).export(accept=accept)))
    both = series(text_of(monitor_of(baseline, registry=registry).export(accept=accept)))
    assert list(both)[: len(own)] == list(own)
    assert {name for name in set(both) - set(own) if "_created" not in name} == {
        "app_requests_total"
    }
    assert both["app_requests_total"] == "3.0"


class Failing(Collector):
    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("half", "Came before the failure.", value=1)
        raise RuntimeError("database is down")


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@pytest.mark.parametrize("accept", [TEXT_ONLY, OPENMETRICS])
def test_a_failing_collector_costs_only_the_applications_metrics(
    baseline: Baseline, exposition: Exposition, accept: str
) -> None:
    registry = CollectorRegistry(auto_describe=False)
    monitor = monitor_of(baseline, exposition, registry)
    alone = text_of(monitor.export(accept=accept))
    registry.register(Failing())
    assert text_of(monitor.export(accept=accept)) == alone
    assert monitor.reporter.counts()["export"] == 1


def test_a_failure_of_the_export_is_a_series(baseline: Baseline) -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Failing())
    monitor = monitor_of(baseline, registry=registry)
    for _ in range(3):
        monitor.export()
    labels = f'model_name="default",model_version="{baseline.version}",failed_stage="export"'
    name = f"boxkite_errors_total{{{labels}}}"
    assert series(text_of(monitor.export()))[name] == "3"


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_openmetrics_holds_the_series_of_the_text_and_no_created(
    baseline: Baseline, exposition: Exposition
) -> None:
    monitor = monitor_of(baseline, exposition)
    serve_hostile(monitor)
    text = series(text_of(monitor.export(accept=TEXT_ONLY)))
    openmetrics = series(text_of(monitor.export(accept=OPENMETRICS)))
    assert openmetrics == text
    assert [name for name in text if "_created" in name] == []


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_prometheus_client_parses_every_sample_of_openmetrics(
    baseline: Baseline, exposition: Exposition
) -> None:
    monitor = monitor_of(baseline, exposition)
    serve_hostile(monitor)
    text = text_of(monitor.export(accept=OPENMETRICS))
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    assert [sample.value for sample in samples] == pytest.approx(
        [float(value) for value in series(text).values()], nan_ok=True, rel=0
    )
    assert any(sample.labels.get("le", "").startswith("-") for sample in samples)


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_promtool_accepts_the_text(
    promtool: str, baseline: Baseline, exposition: Exposition
) -> None:
    monitor = monitor_of(baseline, exposition)
    serve_hostile(monitor)
    run = subprocess.run(
        [promtool, "check", "metrics"],
        input=monitor.export().body,
        capture_output=True,
    )
    assert (run.returncode, run.stdout.decode(), run.stderr.decode()) == (0, "", "")


HOSTILE_ROWS: list[Any] = [
    {"delay": "not a number", "distance": b"\xff", "new": 1},
    {'carrier "\\\n😀': "never seen", "weekend": "perhaps"},
    {'carrier "\\\n😀': "x" * 100_000, "weekend": 2},
    {'carrier "\\\n😀': ["nested"], "delay": {"a": {}}},
    {"delay": float("inf"), "distance": float("-inf"), "weekend": float("nan")},
    {"delay": 10**400, "distance": 1 + 2j, "weekend": object()},
    [1, 2],
    [1, 2, "UA", True, 5, 6],
    [None, None, None, None],
    "text",
    7,
    None,
    {1: 2},
]


def serve_hostile(monitor: Monitor, times: int = 100) -> None:
    """Log rows that no model takes, and labels that no training saw."""
    for number in range(times):
        monitor.log_prediction(HOSTILE_ROWS[number % len(HOSTILE_ROWS)], f"label {number}")
        monitor.log_prediction({'carrier "\\\n😀': f"unseen {number}"}, [number] * (number % 4))


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@pytest.mark.parametrize("accept", [TEXT_ONLY, OPENMETRICS])
def test_no_prediction_adds_or_removes_a_series(
    baseline: Baseline, exposition: Exposition, accept: str
) -> None:
    monitor = monitor_of(baseline, exposition)
    before = series(text_of(monitor.export(accept=accept)))
    serve_hostile(monitor, times=500)
    after = series(text_of(monitor.export(accept=accept)))
    assert list(after) == list(before)
    assert after != before


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_every_live_series_is_there_at_0_from_the_start(
    baseline: Baseline, exposition: Exposition
) -> None:
    found = series(text_of(monitor_of(baseline, exposition).export()))
    constant = ("baseline", "boxkite_drift", "boxkite_policy")
    live = {
        name: float(value)
        for name, value in found.items()
        if not any(word in name.partition("{")[0] for word in constant)
    }
    assert live == dict.fromkeys(live, 0.0)

    busy = monitor_of(baseline, exposition)
    serve_hostile(busy)
    busy.log_prediction([1.0, 2.0, "UA", True], 0.3)
    changed = series(text_of(busy.export()))
    assert {name for name in changed if changed[name] != found[name]} <= set(live)
