"""Collectors as users have them: in a registry, in code, and subclassed."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest

from boxkite import BaselineError, BaselineWarning
from boxkite.monitoring.collector import (
    BaselineMetricCollector,
    ComputedMetricCollector,
    FeatureHistogramCollector,
    InferenceHistogramCollector,
    InfoMetricCollector,
)
from boxkite.monitoring.collector.feature import FeatureDistribution
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.encoder import MetricEncoder
from boxkite.monitoring.frequency import ContinuousVariable, DiscreteVariable
from boxkite.monitoring.registry import LiveMetricRegistry
from boxkite.monitoring.service import ModelMonitoringService


def samples(metrics):
    """Return the samples of metrics, by name and the values of the labels."""
    return {
        (each.name, *each.labels.values()): each.value
        for metric in metrics
        for each in metric.samples
    }


def test_collectors_yield_metrics_of_prometheus_client(histogram):
    collectors = [
        BaselineMetricCollector(histogram),
        FeatureHistogramCollector([("x", [1, 2])]),
        InferenceHistogramCollector([1, 2]),
        InfoMetricCollector([]),
    ]
    for collector in collectors:
        assert all(isinstance(each, Metric) for each in collector.collect())


def test_the_file_collector_yields_what_the_others_wrote(histogram):
    found = samples(BaselineMetricCollector(histogram).collect())
    expected = [
        *FeatureHistogramCollector(
            [("delay", np.linspace(0, 60, 300)), ("carrier", ["AA", "UA", "B6"] * 100)]
        ).collect(),
        *InferenceHistogramCollector(np.linspace(0, 1, 300)).collect(),
    ]
    assert found == samples(expected)


def test_collectors_can_be_registered(histogram):
    registry = CollectorRegistry(auto_describe=True)
    collector = BaselineMetricCollector(histogram)
    registry.register(collector)
    registry.register(InfoMetricCollector(collector.collect()))
    text = generate_latest(registry).decode()
    assert text.startswith(histogram.read_text()[:20])
    assert text.count("\nbaseline_metrics_info{") == 3


def test_the_data_are_counted_once_at_a_scrape():
    asked = []

    class Column(list):
        def __iter__(self):
            asked.append(1)
            return super().__iter__()

    registry = CollectorRegistry(auto_describe=True)
    registry.register(FeatureHistogramCollector([("x", Column([1.0, 2.0]))]))
    registry.register(InferenceHistogramCollector(Column([1.0, 2.0])))
    assert asked == []


@pytest.mark.parametrize(
    ("discrete", "types"), [(None, ["counter", "counter"]), ({1}, ["histogram", "counter"])]
)
def test_discrete_features_are_those_named(discrete, types):
    data = [("x", [1.0, 2.0]), ("y", [1.0, 2.0])]
    collector = FeatureHistogramCollector(data, max_samples=1, discrete=discrete)
    assert [each.type for each in collector.collect()] == types


@pytest.mark.parametrize(("is_discrete", "kind"), [(True, "counter"), (False, "histogram")])
def test_an_output_is_discrete_if_so_named(is_discrete, kind):
    (metric,) = InferenceHistogramCollector([1.0, 2.0, 3.0], is_discrete=is_discrete).collect()
    assert metric.type == kind


@pytest.mark.parametrize(
    ("output", "bins"),
    [
        (["b", "a", None, "b"], {"a": 1, "b": 2, "nan": 1}),
        (np.array([[0], [1], [1]]), {"0.0": 1, "1.0": 2}),
        ([True, False, True], {"0.0": 1, "1.0": 2}),
        (iter([1, 2]), {"1.0": 1, "2.0": 1}),
        (["1", "2.0", "nan"], {"1.0": 1, "2.0": 1, "nan": 1}),
        ([-0.0, 0.0], {"0.0": 2}),
        ([], {}),
    ],
)
def test_an_output_of_labels_has_a_bin_for_each(output, bins):
    (metric,) = InferenceHistogramCollector(output).collect()
    assert {bin_: value for (_, bin_), value in samples([metric]).items()} == bins


@pytest.mark.parametrize("values", [[[1, 2], [3, 4]], np.ones((2, 2)), [{"a": 1}]])
def test_a_column_that_cannot_be_counted_is_named(values):
    with pytest.raises(BaselineError, match="column 'speed'"):
        list(FeatureHistogramCollector([("speed", values)]).collect())


def test_a_column_of_ids_is_told_of():
    ids = [f"id {number}" for number in range(200)]
    with pytest.warns(BaselineWarning, match="column 'id' has 200 distinct texts in 200 rows"):
        list(FeatureHistogramCollector([("id", ids)]).collect())


@pytest.mark.parametrize(
    ("bins", "labels"),
    [
        ({1: 1, 2: 2}, {"1.0": 1, "2.0": 2}),
        ({np.int64(1): 1, np.float32(0.1): 2}, {"1.0": 1, "0.1": 2}),
        ({True: 1, False: 2}, {"1.0": 1, "0.0": 2}),
        ({"1": 1, 1: 2}, {"1": 1, "1.0": 2}),
        ({-0.0: 1}, {"0.0": 1}),
        ({None: 1, float("nan"): 2, "nan": 3}, {"nan": 6}),
        ({"a": 1, "": 2}, {"a": 1, "": 2}),
        ({}, {}),
    ],
)
def test_the_bins_of_a_discrete_variable_read_the_same_whatever_their_type(bins, labels):
    metric = DiscreteVariable.dump_frequency("m", "help", bins)
    assert samples([metric]) == {("m_total", label): count for label, count in labels.items()}


@pytest.mark.parametrize(
    ("bins", "buckets", "total"),
    [
        ({"1.0": 1, "2.0": 2, "+Inf": 3}, {"1.0": 1, "2.0": 3, "+Inf": 6}, 5.0),
        ({2: 2, 1: 1}, {"1.0": 1, "2.0": 3, "+Inf": 3}, 5.0),
        ({"1000000.0": 1}, {"1e+06": 1, "+Inf": 1}, 1e6),
        ({float("inf"): 1, None: 2, float("nan"): 3}, {"0.0": 0, "+Inf": 6}, 0.0),
        ({"+Inf": 4}, {"0.0": 0, "+Inf": 4}, 0.0),
        ({}, {"0.0": 0, "+Inf": 0}, 0.0),
        ({-1.5: 2}, {"-1.5": 2, "+Inf": 2}, -3.0),
    ],
)
def test_the_bins_of_a_continuous_variable_ascend_to_infinity(bins, buckets, total):
    metric = ContinuousVariable.dump_frequency("m", "help", bins)
    assert samples([metric]) == {
        **{("m_bucket", edge): count for edge, count in buckets.items()},
        ("m_count",): buckets["+Inf"],
        ("m_sum",): total,
    }


def test_an_edge_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="many"):
        FeatureDistribution.as_continuous(0, "x", {"many": 1})


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([(0, "x", {1: 1}), (1, "x", {1: 1})], "line 2: a second feature is called 'x'"),
        (
            [(0, "x", {1: 0.5})],
            "line 1: feature_0_value_baseline_total is 0.5, which is not a count",
        ),
        ([(0, "x", {})], "no baseline series in it, or it is cut short"),
    ],
)
def test_metrics_that_make_no_baseline_are_told_at_the_start(metrics, message, kept):
    collector = ComputedMetricCollector(
        [FeatureDistribution.as_discrete(*each) for each in metrics]
    )
    with pytest.raises(BaselineError) as raised:
        ModelMonitoringService(kept, collector)
    assert str(raised.value) == f"baseline metrics (each sample is a line): {message}"


def test_a_file_collector_may_be_extended(kept, histogram):
    class Remote(BaselineMetricCollector):
        def collect(self):
            yield from super().collect()
            yield FeatureDistribution.as_discrete(2, "origin", {"JFK": 3})

    service = ModelMonitoringService(kept, Remote(histogram))
    assert [each.name for each in service.monitor.baseline.features] == [
        *("delay", "carrier", "origin")
    ]


def test_live_metrics_can_be_had_by_themselves():
    metrics = [FeatureDistribution.as_discrete(0, "x", {1: 5})]
    registry = LiveMetricRegistry(metrics)
    registry.observe(PredictionContext(None, [1], "", "", None, None))
    encoder = MetricEncoder([ComputedMetricCollector(metrics), registry])
    assert encoder.as_text(["feature_0_value_total"]).decode().splitlines()[2:] == [
        'feature_0_value_total{bin="1.0"} 1.0',
        'feature_0_value_total{bin="__unseen__"} 0.0',
    ]
    body, content_type = encoder.as_http({}, {"Accept": "application/openmetrics-text"})
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
