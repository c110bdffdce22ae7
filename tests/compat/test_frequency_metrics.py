"""Live counts of single variables, as code that extends 0.0.5 makes them."""

import pytest

OBSERVED = """
from boxkite.monitoring.collector.inference import InferenceDistribution

metrics = {metrics}
result = []
for metric in metrics:
    supported = [each for each in (FeatureDistribution, InferenceDistribution)
                 if each.is_supported(metric)]
    live = supported[0].SUPPORTED[metric.type].load_frequency(metric)
    for value in {values}:
        live.observe(value)
    (family,) = live.metric.collect()
    result.append([
        family.name, family.documentation, family.type,
        sorted([each.name, sorted(each.labels.items()), each.value]
               for each in family.samples if not each.name.endswith("_created")
               if each.labels.get("bin") != "__unseen__")])
"""


@pytest.mark.parametrize(
    ("metrics", "values"),
    [
        ("[FeatureDistribution.as_discrete(7, 'x', {1: 5, 2: 3, 'a': 1})]", "[1, 1, 2.0, 'a']"),
        ("[InferenceDistribution.as_discrete({'late': 5, 'nan': 1})]", "['late', float('nan')]"),
        (
            "[FeatureDistribution.as_continuous(0, 'x', {'1.0': 4, '2.0': 2, '+Inf': 1}, 7.0)]",
            "[0.5, 1.0, '1.5', 7, None, float('nan'), float('inf'), 'text']",
        ),
        ("[InferenceDistribution.as_continuous({'0.25': 1, '0.5': 3})]", "[0.25, 0.3]"),
    ],
)
def test_a_variable_counts_as_in_0_0_5(metrics, values, both):
    theirs, ours = both(OBSERVED.format(metrics=metrics, values=values))
    assert ours == theirs
    assert len(ours) == 1


def test_a_metric_of_any_name_has_live_counts(both):
    code = """
from boxkite.monitoring.frequency import ContinuousVariable

live = ContinuousVariable(ContinuousVariable.dump_frequency("mine_baseline", "Baseline", {1: 2}))
live.observe(0.5)
result = [[each.name, each.value] for each in live.metric.collect()[0].samples
          if not each.name.endswith("_created")]
"""
    theirs, ours = both(code)
    assert sorted(ours) == sorted(theirs)
    assert ["mine_sum", 0.5] in ours


def test_labels_are_refused(both):
    code = """
FeatureDistribution.SUPPORTED["counter"].load_frequency(
    FeatureDistribution.as_discrete(0, "x", {1: 5})
).observe(1, {"group": "a"})
"""
    assert both(code) == ({"error": "ValueError"}, {"error": "ValueError"})


@pytest.mark.parametrize(
    "expression",
    [
        "[FeatureDistribution.extract_index(FeatureDistribution.as_discrete(12, 'x', {1: 1}))]",
        "[is_single_value(each) for each in ('a', {}, 1, None, [1], np.ones(2), np.float64(1))]",
        "BEDROCK_SERVER_ID",
    ],
)
def test_small_functions_return_the_same(expression, both):
    code = f"""
from boxkite.monitoring.registry import is_single_value
from boxkite.monitoring.service import BEDROCK_SERVER_ID

result = {expression}
"""
    theirs, ours = both(code)
    assert ours == theirs


def test_a_class_of_ones_own_may_extend_frequency_metrics(both):
    code = """
from boxkite.monitoring.frequency import FrequencyMetric

class Seen(FrequencyMetric):
    def __init__(self, metric):
        self.metric = set()

    def observe(self, value, labels=None):
        self.metric.add(value)

seen = Seen.load_frequency(None)
seen.observe("a")
result = sorted(seen.metric)
"""
    assert both(code) == (["a"], ["a"])
