"""One path that shows several models: their series together are one valid exposition."""

import gzip
import subprocess
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from boxkite import Baseline, ConfigError, Monitor
from boxkite.settings import Settings
from boxkite.web.metrics_page import MetricsPage
from boxkite.web.page import PageAnswer, PageRequest
from boxkite.web.protection import Protection

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OPEN = Protection()


def monitor_of(model: str, exposition: Any = "labelled") -> Monitor:
    columns = {
        "a": {"delay": [-30.0, 0.0, 5.0, None] * 20, "carrier": ["UA", "DL"] * 40},
        "b": {"distance": [1.0, 2.0, 3.0, 4.0] * 20},
        "c": {"carrier": ["UA", "DL"] * 40},
    }[model]
    baseline = Baseline.fit(columns, {"score": [0.1, 0.2] * 40}, model=model, version="1")
    return Monitor(baseline, settings=Settings(exposition=exposition, log="none:"), registry=None)


def page_of(*monitors: Monitor, registry: CollectorRegistry | None = None) -> MetricsPage:
    page = MetricsPage("/metrics", OPEN, registry)
    for monitor in monitors:
        page.check(monitor, OPEN, None)
        page.join(monitor)
    return page


def rendered(page: MetricsPage, request: PageRequest) -> PageAnswer:
    answer = page.respond(request)
    return answer if isinstance(answer, PageAnswer) else answer.render()


def text_of(page: MetricsPage, accept: str = TEXT, names: tuple[str, ...] = ()) -> str:
    request = PageRequest({"name[]": names}, accept)
    return rendered(page, request).body.decode()


def samples(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture
def monitors() -> list[Monitor]:
    found = [monitor_of(model) for model in "abc"]
    found[0].log_prediction([-1.0, "UA"], 0.1)
    found[1].log_prediction([2.0], 0.2)
    return found


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_all_samples_of_each_model_are_there_and_each_family_once(
    accept: str, monitors: list[Monitor]
) -> None:
    text = text_of(page_of(*monitors), accept)
    alone = [text_of(page_of(monitor), TEXT) for monitor in monitors]
    assert sorted(samples(text)) == sorted(line for each in alone for line in samples(each))
    heads = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert sorted(set(heads)) == sorted(heads)


def test_promtool_accepts_the_text(monitors: list[Monitor], promtool: str) -> None:
    text = text_of(page_of(*monitors)).encode()
    check = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_the_client_library_reads_every_sample_of_openmetrics(monitors: list[Monitor]) -> None:
    text = text_of(page_of(*monitors), OPENMETRICS)
    families = list(text_string_to_metric_families(text))
    assert sum(len(family.samples) for family in families) == len(samples(text))


def test_gzip_brings_the_same(monitors: list[Monitor]) -> None:
    page = page_of(*monitors)
    packed = rendered(page, PageRequest({}, TEXT, "gzip"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body).decode() == text_of(page)


def test_names_choose_the_samples_of_all_models(monitors: list[Monitor]) -> None:
    text = text_of(page_of(*monitors), names=("boxkite_predictions_total", "boxkite_baseline_rows"))
    assert text == (
        "# HELP boxkite_baseline_rows Training rows.\n"
        "# TYPE boxkite_baseline_rows gauge\n"
        'boxkite_baseline_rows{model_name="a",model_version="1"} 80\n'
        'boxkite_baseline_rows{model_name="b",model_version="1"} 80\n'
        'boxkite_baseline_rows{model_name="c",model_version="1"} 80\n'
        "# HELP boxkite_predictions_total Predictions counted.\n"
        "# TYPE boxkite_predictions_total counter\n"
        'boxkite_predictions_total{model_name="a",model_version="1"} 1\n'
        'boxkite_predictions_total{model_name="b",model_version="1"} 1\n'
        'boxkite_predictions_total{model_name="c",model_version="1"} 0\n'
    )


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
def test_the_applications_own_metrics_are_there_once(accept: str, monitors: list[Monitor]) -> None:
    registry = CollectorRegistry()
    Counter("own", "Of the application.", registry=registry)
    text = text_of(page_of(*monitors, registry=registry), accept)
    assert [line for line in samples(text) if line.startswith("own_total")] == ["own_total 0.0"]


def test_a_model_that_joins_after_a_scrape_is_shown(monitors: list[Monitor]) -> None:
    page = page_of(monitors[0])
    text_of(page)
    page.join(monitors[1])
    assert text_of(page) == text_of(page_of(*monitors[:2]))


def test_two_models_in_the_classic_exposition_are_refused() -> None:
    page = page_of(monitor_of("a", "classic"))
    with pytest.raises(ConfigError) as refused:
        page.check(monitor_of("b", "classic"), OPEN, None)
    assert str(refused.value) == (
        "models 'a' and 'b' would have the same series at /metrics, because the classic "
        "exposition has no label for the model; set EXPOSITION to labelled, or set another "
        "METRICS_PATH"
    )


def test_one_classic_model_stands_beside_labelled_ones(promtool: str) -> None:
    text = text_of(page_of(monitor_of("a", "classic"), monitor_of("b"), monitor_of("c"))).encode()
    check = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")
