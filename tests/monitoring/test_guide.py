"""The two samples of 0.0.5's guide, with `items()` for `iteritems()`."""

import json

import numpy as np
import pandas as pd
import pytest
from flask import Flask, Response, request
from prometheus_client.parser import text_string_to_metric_families

from boxkite.monitoring.collector import BaselineMetricCollector
from boxkite.monitoring.service import ModelMonitoringService


class Model:
    """A model with scikit-learn's `predict`."""

    def predict(self, rows):
        """Return one score a row."""
        return np.asarray(rows, dtype=float).sum(axis=1) / 100


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """A folder of one's own, and no fluentd."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", "127.0.0.1:1")


def train():
    model = Model()
    train_data = pd.DataFrame({"age": np.arange(20.0, 80.0), "visits": [1, 2, 3] * 20})
    ModelMonitoringService.export_text(
        features=train_data.items(),
        inference=model.predict(train_data).tolist(),
        path="./histogram.prom",
    )
    return model


def create_app(monitor, model):
    app = Flask(__name__)

    @app.route("/", methods=["POST"])
    def predict():
        features = request.json
        score = model.predict([features])[0]
        pid = monitor.log_prediction(
            request_body=json.dumps(request.json), features=features, output=score
        )
        return {"prediction_id": pid, "score": score}

    @app.route("/metrics", methods=["GET"])
    def get_metrics():
        body, content_type = monitor.export_http(
            params=request.args.to_dict(flat=False), headers=request.headers
        )
        return Response(body, content_type=content_type)

    return app


@pytest.mark.usefixtures("in_folder")
def test_the_samples_run_as_written():
    model = train()
    monitor = ModelMonitoringService(
        baseline_collector=BaselineMetricCollector(path="./histogram.prom")
    )
    client = create_app(monitor, model).test_client()
    for age in (25.0, 45.0):
        answer = client.post("/", json=[age, 2])
        assert answer.json["prediction_id"].startswith("unknown-server/")
    scrape = client.get("/metrics")
    assert scrape.content_type.startswith("text/plain; version=0.0.4")
    found = {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(scrape.text)
        for each in family.samples
    }
    assert found["feature_0_value_baseline_count",] == 60
    assert found["feature_0_value_sum",] == 70
    assert found["feature_1_value_baseline_total", "2.0"] == 20
    assert found["feature_1_value_total", "2.0"] == 2
    assert found["inference_value_sum",] == pytest.approx(0.74)
    monitor.close(timeout=0)


@pytest.mark.usefixtures("in_folder")
def test_metrics_are_chosen_by_name_and_format_by_accept():
    model = train()
    monitor = ModelMonitoringService(
        baseline_collector=BaselineMetricCollector(path="./histogram.prom")
    )
    client = create_app(monitor, model).test_client()
    scrape = client.get(
        "/metrics?name[]=feature_0_value_count&name[]=inference_value_count",
        headers={"Accept": "application/openmetrics-text; version=1.0.0"},
    )
    assert scrape.content_type.startswith("application/openmetrics-text; version=1.0.0")
    lines = [line for line in scrape.text.splitlines() if not line.startswith("# HELP")]
    assert lines == [
        "# TYPE inference_value histogram",
        "inference_value_count 0",
        "# TYPE feature_0_value histogram",
        "feature_0_value_count 0",
        "# EOF",
    ]
    monitor.close(timeout=0)


@pytest.mark.usefixtures("in_folder")
def test_a_service_without_any_argument_works(caplog):
    model = Model()
    monitor = ModelMonitoringService()
    client = create_app(monitor, model).test_client()
    assert client.post("/", json=[25.0, 2]).status_code == 200
    assert client.get("/metrics").status_code == 200
    missing = "no baseline at /artefact/histogram.prom"
    assert len([each for each in caplog.messages if each.startswith(missing)]) == 1
    monitor.close(timeout=0)
