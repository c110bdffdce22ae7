"""Classic series, read from files of 0.0.5 and from ours."""

import math
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable
from boxkite.baseline.text_writer import render
from boxkite.errors import BaselineError

# As boxkite 0.0.5 writes a histogram, one of negative edges, a counter and an output.
OLD_FILE = """\
# HELP feature_0_value_baseline Baseline values for feature: age: in years
# TYPE feature_0_value_baseline histogram
feature_0_value_baseline_bucket{le="20.0"} 3.0
feature_0_value_baseline_bucket{le="40.0"} 7.0
feature_0_value_baseline_bucket{le="+Inf"} 10.0
feature_0_value_baseline_count 10.0
feature_0_value_baseline_sum 212.5
# HELP feature_1_value_baseline Baseline values for feature: delay
# TYPE feature_1_value_baseline histogram
feature_1_value_baseline_bucket{le="-1.0"} 4.0
feature_1_value_baseline_bucket{le="1111705.389"} 10.0
feature_1_value_baseline_bucket{le="+Inf"} 10.0
# HELP feature_10_value_baseline_total Baseline values for feature: class
# TYPE feature_10_value_baseline_total counter
feature_10_value_baseline_total{bin="1.0"} 6.0
feature_10_value_baseline_total{bin="2.0"} 3.0
feature_10_value_baseline_total{bin="nan"} 1.0
feature_10_value_baseline_created 1.6e+09
# HELP inference_value_baseline_total Baseline inference values for test set
# TYPE inference_value_baseline_total counter
inference_value_baseline_total{bin="0.0"} 9.0
inference_value_baseline_total{bin="1.0"} 1.0
# HELP python_info Another metric
python_info{version="3"} 1.0
"""


def numeric(name: str, position: int, edges: list[float], counts: list[int], total: float) -> Any:
    return NumericVariable(
        name=name,
        role="feature",
        position=position,
        edges=np.array(edges),
        counts=np.array(counts),
        missing=0,
        sum=total,
    )


def test_a_file_of_the_old_version_is_read_as_far_as_it_goes() -> None:
    baseline = Baseline.from_text(OLD_FILE)
    class_, output = (
        CategoryVariable(
            name=name,
            role=role,
            position=position,
            categories=(*bins, "__unseen__"),
            counts=np.array([*bins.values(), 0]),
            missing=missing,
        )
        for name, role, position, bins, missing in (
            ("class", "feature", 10, {"1.0": 6, "2.0": 3}, 1),
            ("output", "output", 0, {"0.0": 9, "1.0": 1}, 0),
        )
    )
    assert baseline.variables == (
        numeric("age: in years", 0, [20.0, 40.0], [3, 4, 3], 212.5),
        numeric("delay", 1, [-1.0, 1111705.389], [4, 6, 0], math.nan),
        class_,
        output,
    )
    assert (baseline.rows, baseline.model, baseline.version) == (10, "default", baseline.digest)
    assert Baseline.from_text(baseline.as_text()) == baseline


@pytest.mark.parametrize(
    ("line", "replacement", "message"),
    [
        (3, 'feature_0_value_baseline_bucket{le="20.0"} 8.0',
         "line 3: a bucket of 'age: in years' counts less than the one before it"),
        (3, 'feature_0_value_baseline_bucket{le="50.0"} 3.0',
         "line 3: the buckets of 'age: in years' do not ascend to +Inf"),
        (3, 'feature_0_value_baseline_bucket{le="many"} 3.0',
         "line 3: feature_0_value_baseline_bucket has an le that is not a number: 'many'"),
        (3, "feature_0_value_baseline_bucket 3.0",
         "line 3: feature_0_value_baseline_bucket lacks the label 'le'"),
        (5, "", "line 3: the buckets of 'age: in years' do not ascend to +Inf"),
        (6, "feature_0_value_baseline_count 9.0",
         "line 3: the _count of 'age: in years' differs from its last bucket"),
        (6, "feature_0_value_baseline_sum 9.0",
         "line 7: feature_0_value_baseline_sum occurs twice"),
        (8, "# HELP feature_1_value_baseline Baseline values for feature: age: in years",
         "line 10: a second feature is called 'age: in years'"),
        (15, 'feature_10_value_baseline_total{bin="2.0"} 6.0',
         "line 16: bin '2.0' occurs twice, or is reserved"),
        (15, 'feature_10_value_baseline_total{bin="__unseen__"} 6.0',
         "line 15: bin '__unseen__' occurs twice, or is reserved"),
        (15, 'feature_10_value_baseline_total{bin="1.0"} 0.5',
         "line 15: feature_10_value_baseline_total is 0.5, which is not a count"),
        (15, "feature_10_value_baseline_sum 1.0",
         "line 15: 'class' is both a counter and a histogram"),
    ],
)  # fmt: skip
def test_a_damaged_file_of_the_old_version_is_an_error_with_its_line(
    line: int, replacement: str, message: str
) -> None:
    lines = OLD_FILE.splitlines()
    lines[line - 1] = replacement
    with pytest.raises(BaselineError) as caught:
        Baseline.from_text("\n".join(lines))
    assert str(caught.value) == message


def test_a_feature_without_help_is_named_by_its_position() -> None:
    lines = [line for line in OLD_FILE.splitlines() if not line.startswith("#")]
    names = [variable.name for variable in Baseline.from_text("\n".join(lines)).variables]
    assert names == ["feature_0", "feature_1", "feature_10", "output"]


def test_the_classic_series_of_a_small_baseline() -> None:
    baseline = Baseline.fit(
        {"x": [1.0, 2.0, 4.0, None], "c: d": ["a", "a", "nan", None]}, [0.5, 0.5, 1.0, 2.5]
    )
    assert render(baseline.families("classic")).splitlines() == [
        "# HELP feature_0_value_baseline Baseline values for feature: x",
        "# TYPE feature_0_value_baseline histogram",
        'feature_0_value_baseline_bucket{le="3.0"} 2',
        'feature_0_value_baseline_bucket{le="+Inf"} 4',
        "feature_0_value_baseline_sum 7.0",
        "feature_0_value_baseline_count 4",
        "# HELP feature_1_value_baseline_total Baseline values for feature: c: d",
        "# TYPE feature_1_value_baseline_total counter",
        'feature_1_value_baseline_total{bin="a"} 2',
        'feature_1_value_baseline_total{bin="nan"} 2',
        "# HELP inference_value_baseline Baseline inference values for test set",
        "# TYPE inference_value_baseline histogram",
        'inference_value_baseline_bucket{le="0.8"} 2',
        'inference_value_baseline_bucket{le="+Inf"} 4',
        "inference_value_baseline_sum 4.5",
        "inference_value_baseline_count 4",
    ]


def test_prometheus_client_reads_a_classic_file_as_the_old_version_does() -> None:
    baseline = Baseline.fit({"x": [1.0, 2.0, None], "c": ["a", "b", "a"]}, [True, False, True])
    found = {
        family.name: {(sample.name, *sample.labels.values()): sample.value
                      for sample in family.samples}
        for family in text_string_to_metric_families(baseline.as_text("classic"))
        if family.name.endswith("_baseline")
    }  # fmt: skip
    feature, output = "feature_0_value_baseline", "inference_value_baseline"
    assert found == {
        feature: {
            (f"{feature}_bucket", "1.5"): 1.0,
            (f"{feature}_bucket", "+Inf"): 3.0,
            (f"{feature}_sum",): 3.0,
            (f"{feature}_count",): 3.0,
        },
        "feature_1_value_baseline": {
            ("feature_1_value_baseline_total", "a"): 2.0,
            ("feature_1_value_baseline_total", "b"): 1.0,
        },
        output: {
            (f"{output}_bucket", "0.5"): 1.0,
            (f"{output}_bucket", "+Inf"): 3.0,
            (f"{output}_sum",): 2.0,
            (f"{output}_count",): 3.0,
        },
    }
