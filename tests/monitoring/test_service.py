"""The service of 0.0.5: its arguments, series and log, and the failures that it survives."""

import logging
import os
import re
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from boxkite import Baseline, BaselineError
from boxkite.monitoring.collector import BaselineMetricCollector, ComputedMetricCollector
from boxkite.monitoring.collector.feature import FeatureDistribution
from boxkite.monitoring.collector.inference import InferenceDistribution
from boxkite.monitoring.collector.type import Collector
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.monitoring.service import ModelMonitoringService


def samples(service, *names):
    body, _ = service.export_http({"name[]": list(names)} if names else {}, {})
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(body.decode())
        for each in family.samples
    }


def test_a_prediction_id_names_server_time_and_entity(service, kept):
    before = datetime.now(tz=UTC)
    found = service.log_prediction("{}", [1.0, "AA"], 0.5)
    (prediction,) = kept.predictions
    server, moment, entity = found.split("/")
    assert server == "unknown-server"
    assert datetime.fromisoformat(moment) == prediction.created_at.replace(
        microsecond=0, tzinfo=None
    )
    assert uuid.UUID(entity) == prediction.entity_id
    assert found == prediction.prediction_id
    assert before <= prediction.created_at <= datetime.now(tz=UTC)
    assert prediction.created_at.tzinfo is UTC


def test_the_server_id_is_of_the_environment(kept, histogram, monkeypatch):
    monkeypatch.setenv("BEDROCK_SERVER_ID", "flights")
    service = ModelMonitoringService(kept, BaselineMetricCollector(histogram))
    assert service.log_prediction("{}", [1.0, "AA"], 0.5).startswith("flights/")
    assert kept.predictions[0].server_id == "flights"


@pytest.mark.parametrize(
    ("features", "logged"),
    [
        ([1.5, "AA"], [1.5, "AA"]),
        ((1.5, "AA"), [1.5, "AA"]),
        (np.array([1.5, 2.5], dtype="float32"), [1.5, 2.5]),
        ([np.float32(1.5), np.int64(2)], [1.5, 2]),
        (pd.Series([1.5, "AA"], index=["other", "names"]), [1.5, "AA"]),
        (pd.DataFrame({"delay": [1.5], "carrier": ["AA"]}), {"delay": 1.5, "carrier": "AA"}),
        ({"delay": np.float64(1.5)}, {"delay": 1.5}),
        (iter([1.5, "AA"]), [1.5, "AA"]),
        (np.ones((2, 2)), [[1.0, 1.0], [1.0, 1.0]]),
        ([1.5], [1.5]),
        ("text", "text"),
    ],
)
def test_an_exporter_gets_the_features_as_plain_values(features, logged, service, kept):
    service.log_prediction("{}", features, 0.5)
    (prediction,) = kept.predictions
    assert prediction.features == logged
    assert repr(prediction.features) == repr(logged)


def test_an_exporter_gets_output_and_body_as_given(service, kept):
    for output in (0.5, "late", [0.2, 0.8], np.float32(0.5), np.array([0.2, 0.8]), None):
        service.log_prediction('{"a": 1}', [1.5, "AA"], output)
    assert [each.output for each in kept.predictions] == [
        *(0.5, "late", [0.2, 0.8], 0.5, [0.2, 0.8], None)
    ]
    assert {each.request_body for each in kept.predictions} == {'{"a": 1}'}


def test_an_exporter_gets_a_copy(service, kept):
    features = [[1.5], "AA"]
    service.log_prediction("{}", features, 0.5)
    features[0].append(2.5)
    features.clear()
    assert kept.predictions[0].features == [[1.5], "AA"]


def test_a_row_of_a_frame_is_counted_by_position(service):
    service.log_prediction("{}", pd.Series([30.0, "UA"], index=["a", "b"]), 0.5)
    found = samples(service, "feature_0_value_sum", "feature_1_value_total")
    assert found == {
        ("feature_0_value_sum",): 30.0,
        ("feature_1_value_total", "AA"): 0,
        ("feature_1_value_total", "B6"): 0,
        ("feature_1_value_total", "UA"): 1,
        ("feature_1_value_total", "__unseen__"): 0,
    }


def test_an_error_of_the_exporter_is_counted_and_not_raised(histogram, caplog):
    class Broken(LogExporter):
        def emit(self, prediction):  # noqa: ARG002
            raise OSError("disk full")

    service = ModelMonitoringService(Broken(), BaselineMetricCollector(histogram))
    for _ in range(3):
        service.log_prediction("{}", [1.0, "AA"], 0.5)
    assert service.monitor.reporter.counts()["log"] == 3
    assert samples(service, "feature_0_value_count") == {("feature_0_value_count",): 3}
    assert caplog.messages == ["boxkite log: disk full (1 so far)"]


@pytest.mark.parametrize("row", [[1.0], [1.0, "AA", 2], np.ones((2, 2)), 5, "text"])
def test_a_row_that_does_not_fit_is_counted_as_an_error(row, service):
    service.log_prediction("{}", row, 0.5)
    assert service.monitor.reporter.counts()["features"] == 1


def test_a_vector_of_probabilities_is_counted_as_an_error(service):
    service.log_prediction("{}", [1.0, "AA"], [0.2, 0.8])
    assert service.monitor.reporter.counts()["output"] == 1


def test_the_constructor_opens_neither_thread_nor_socket(histogram, monkeypatch):
    opened = []
    monkeypatch.setattr("socket.socket.__init__", lambda *_: opened.append("socket"))
    before = threading.enumerate()
    ModelMonitoringService(baseline_collector=BaselineMetricCollector(histogram))
    assert threading.enumerate() == before
    assert opened == []


def test_a_missing_file_is_told_once_and_the_service_works(kept, tmp_path, caplog):
    collector = BaselineMetricCollector(tmp_path / "histogram.prom")
    service = ModelMonitoringService(kept, collector)
    for _ in range(3):
        service.log_prediction("{}", [1.0, "AA"], 0.5)
    body, _ = service.export_http()
    assert body == b""
    assert [each.features for each in kept.predictions] == [[1.0, "AA"]] * 3
    (warning,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert warning.getMessage().startswith(f"no baseline at {tmp_path}/histogram.prom. ")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("} ", "} x", 1),
        lambda text: text.replace('le="+Inf"', 'le="many"', 1),
        lambda text: text.replace("_count 300", "_count 299", 1),
        lambda _: "",
    ],
)
def test_a_damaged_file_is_refused_at_the_start(damage, kept, histogram):
    histogram.write_text(damage(histogram.read_text()))
    with pytest.raises(BaselineError, match=re.escape(str(histogram))):
        ModelMonitoringService(kept, BaselineMetricCollector(histogram))


def test_a_file_that_is_deleted_after_the_start_is_still_served(service, histogram):
    before = service.export_http()
    histogram.unlink()
    assert service.export_http() == before


def test_a_collector_is_asked_once(kept):
    class Counted(Collector):
        asked = 0

        def collect(self):
            self.asked += 1
            yield FeatureDistribution.as_discrete(0, "x", {1: 2})

    collector = Counted()
    service = ModelMonitoringService(kept, collector)
    service.log_prediction("{}", [1], 0.5)
    service.export_http()
    assert collector.asked == 1


def test_computed_metrics_are_a_baseline(kept):
    metrics = [
        FeatureDistribution.as_continuous(0, "age", {30: 2, 60: 3, "+Inf": 1}, sum_value=200.0),
        FeatureDistribution.as_discrete(1, "sex", {"f": 4, "m": 2}),
        InferenceDistribution.as_discrete({0: 5, 1: 1}),
    ]
    service = ModelMonitoringService(kept, ComputedMetricCollector(metrics))
    service.log_prediction("{}", [45, "f"], 1)
    body, content_type = service.export_http(params={}, headers={"Accept": "text/plain"})
    assert content_type.startswith("text/plain; version=")
    assert body.decode() == EXPECTED


EXPECTED = """\
# HELP feature_0_value_baseline Baseline values for feature: age
# TYPE feature_0_value_baseline histogram
feature_0_value_baseline_bucket{le="30.0"} 2
feature_0_value_baseline_bucket{le="60.0"} 5
feature_0_value_baseline_bucket{le="+Inf"} 6
feature_0_value_baseline_sum 200.0
feature_0_value_baseline_count 6
# HELP feature_1_value_baseline_total Baseline values for feature: sex
# TYPE feature_1_value_baseline_total counter
feature_1_value_baseline_total{bin="f"} 4
feature_1_value_baseline_total{bin="m"} 2
# HELP inference_value_baseline_total Baseline inference values for test set
# TYPE inference_value_baseline_total counter
inference_value_baseline_total{bin="0.0"} 5
inference_value_baseline_total{bin="1.0"} 1
# HELP inference_value_total Real time inference values for test set
# TYPE inference_value_total counter
inference_value_total{bin="0.0"} 0
inference_value_total{bin="1.0"} 1
inference_value_total{bin="__unseen__"} 0
# HELP feature_0_value Real time values for feature: age
# TYPE feature_0_value histogram
feature_0_value_bucket{le="30.0"} 0
feature_0_value_bucket{le="60.0"} 1
feature_0_value_bucket{le="+Inf"} 1
feature_0_value_sum 45.0
feature_0_value_count 1
# HELP feature_1_value_total Real time values for feature: sex
# TYPE feature_1_value_total counter
feature_1_value_total{bin="f"} 1
feature_1_value_total{bin="m"} 0
feature_1_value_total{bin="__unseen__"} 0
# HELP baseline_metrics_info Metadata about the baseline training metrics
# TYPE baseline_metrics_info gauge
baseline_metrics_info{feature_name="age",metric_name="feature_0_value_baseline",\
metric_type="histogram"} 1.0
baseline_metrics_info{feature_name="sex",metric_name="feature_1_value_baseline",\
metric_type="counter"} 1.0
baseline_metrics_info{feature_name="Baseline inference values for test set",\
metric_name="inference_value_baseline",metric_type="counter"} 1.0
"""


def test_a_baseline_may_leave_out_features(kept):
    metrics = [FeatureDistribution.as_discrete(each, f"x{each}", {1: 2}) for each in (1, 3)]
    service = ModelMonitoringService(kept, ComputedMetricCollector(metrics))
    service.log_prediction("{}", [7, 1, 7, 2, 7], None)
    assert kept.predictions[0].features == [7, 1, 7, 2, 7]
    assert samples(service, "feature_1_value_total", "feature_3_value_total") == {
        ("feature_1_value_total", "1.0"): 1,
        ("feature_1_value_total", "__unseen__"): 0,
        ("feature_3_value_total", "1.0"): 0,
        ("feature_3_value_total", "__unseen__"): 1,
    }
    service.log_prediction("{}", [7, 1, 7], None)
    assert service.monitor.reporter.counts()["features"] == 1


def test_other_metrics_of_a_collector_are_shown_as_they_are(kept):
    class More(Collector):
        def collect(self):
            yield FeatureDistribution.as_discrete(0, "x", {1: 2})
            yield GaugeMetricFamily("trained_at", "When", value=5)

    assert samples(ModelMonitoringService(kept, More()))[("trained_at",)] == 5


def test_only_its_own_metrics_are_shown(service):
    assert all(
        name.startswith(("feature_", "inference_", "baseline_")) for name, *_ in samples(service)
    )


MULTIPROCESS = """
from prometheus_client import Counter
from boxkite.monitoring.collector import ComputedMetricCollector
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.monitoring.service import ModelMonitoringService
Counter("requests", "Requests").inc(3)
service = ModelMonitoringService(LogExporter(), ComputedMetricCollector([]))
print(service.export_http()[0].decode())
"""


def test_multiprocess_metrics_of_the_application_are_shown(tmp_path):
    shown = subprocess.run(
        [sys.executable, "-c", MULTIPROCESS],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "requests_total 3.0" in shown.splitlines()


def test_a_file_is_written_whole_or_not_at_all(histogram):
    before = histogram.read_bytes()
    with pytest.raises(BaselineError, match="column 'x'"):
        ModelMonitoringService.export_text([("x", [{"a": 1}])], path=histogram)
    assert histogram.read_bytes() == before
    assert os.listdir(histogram.parent) == [histogram.name]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (name, name)
        for name in (
            "",
            " ",
            "a: b",
            "a\nb",
            'quo"ted',
            "back\\slash",
            "\\n",
            "#",
            "{le=}",
            "é✈",
            "x" * 9999,
        )
    ]
    + [("\ud800", "\\ud800"), (7, "7"), (("a", 1), "('a', 1)")],
    ids=lambda name: repr(name)[:20],
)
def test_the_name_of_a_feature_may_be_anything(name, shown, kept, tmp_path):
    path = tmp_path / "histogram.prom"
    ModelMonitoringService.export_text([(name, [1.0, 2.0]), ("y", [1.0, 2.0])], path=path)
    service = ModelMonitoringService(kept, BaselineMetricCollector(path))
    kind = ("feature_0_value_baseline", "counter")
    assert samples(service, "baseline_metrics_info")["baseline_metrics_info", shown, *kind] == 1


def test_features_that_raise_are_counted_as_an_error(service, kept):
    def broken():
        yield 1.0
        raise KeyError("no more")

    service.log_prediction("{}", broken(), 0.5)
    assert service.monitor.reporter.counts()["features"] == 1
    assert len(kept.predictions) == 1


def test_a_frame_is_taken_whole_or_as_items(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], 7: ["x", None]})
    texts = []
    for features in (frame, frame.items(), list(frame.items()), dict(frame.items())):
        ModelMonitoringService.export_text(features, path=tmp_path / "histogram.prom")
        texts.append((tmp_path / "histogram.prom").read_text())
    assert len(set(texts)) == 1
    assert "Baseline values for feature: 7\n" in texts[0]


def test_the_default_path_is_that_of_the_artefact():
    assert BaselineMetricCollector.DEFAULT_HISTOGRAM_PATH == "/artefact/histogram.prom"
    assert BaselineMetricCollector().path == "/artefact/histogram.prom"


def test_a_gauge_of_the_default_registry_is_not_shown(service):
    Gauge("of_the_application", "Shown elsewhere")
    assert ("of_the_application",) not in samples(service)


def test_the_files_of_this_version_are_served_too(kept, tmp_path):
    baseline = Baseline.fit({"age": [30.0, 40.0, None]}, {"score": [0.1, 0.2, 0.3]})
    for exposition in ("labelled", "classic"):
        path = tmp_path / exposition
        baseline.write(path, exposition=exposition)
        service = ModelMonitoringService(kept, BaselineMetricCollector(Path(path)))
        found = samples(service, "feature_0_value_baseline_count")
        assert found == {("feature_0_value_baseline_count",): 3}
        assert service.monitor.baseline == baseline
