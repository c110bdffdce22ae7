"""The file and `/metrics` equal those of 0.0.5, for data where 0.0.5 has no defect."""

import math
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

random = np.random.default_rng(2013)
NAN, INFINITY = math.nan, math.inf

UNIFORM = random.random(700)
LABELS = random.choice(["late", "on time", 'odd "one"\n'], 400).tolist()

# Each with values for serving.
COLUMNS: dict[str, tuple[list[Any], list[Any]]] = {
    "uniform": (UNIFORM.tolist(), [0.25, 0.5, 7.0, -1.0, None, NAN, INFINITY, "0.5", "text"]),
    "three rows": ([1.0, 2.0, 4.0], [1.0, 2.0, 3, 1.5]),
    "exponential": (random.exponential(2.0, 900).tolist(), [0.125, 1.5, 20.0]),
    "heavy tail beyond 50 bins": (random.lognormal(0, 2.5, 3000).tolist(), [0.5, 1e5, 2.0]),
    "large": ((random.random(500) * 1e9).tolist(), [1e6, 123456789.0, 1e9, 2e9]),
    "tiny": ((random.random(500) * 1e-9).tolist(), [1e-12, 5e-10]),
    "integers": (random.integers(0, 5000, 800).tolist(), [17, 4000, 4000.0]),
    "missing": ([None if x < 0.1 else x for x in UNIFORM.tolist()], [0.5, None]),
    "infinite": ([INFINITY if x < 0.1 else x for x in UNIFORM.tolist()], [0.5, INFINITY]),
    "no interquartile range": ([2.0] * 900 + np.linspace(3, 50, 80).tolist(), [2.0, 3.0, 20.0]),
    "half integers": ((random.integers(0, 160, 700) / 2).tolist(), [1.5, 2.0, 79.5]),
    "constant": ([3.0] * 100, [3, 3.0]),
    "two values": (random.integers(0, 2, 300).tolist(), [0, 1, 1.0]),
    "booleans": (random.choice([True, False], 300).tolist(), [0, 1.0]),
    "codes": (random.integers(1, 8, 600).tolist(), [1, 5.0, 7]),
    "negative codes": (random.integers(-3, 3, 600).tolist(), [-3, 0.0, 2]),
    "millions as codes": ((random.integers(1, 4, 400) * 1e6).tolist(), [1e6, 3e6]),
    "codes with missing": ([None, 1.0, 2.0, 3.0] * 100, [1.0, NAN]),
    "codes with infinities": ([INFINITY, -INFINITY, 1.0] * 100, [INFINITY, -INFINITY, 1]),
    "digits in strings": (["1", "2", "3.5"] * 100, [1, 2.0]),
    "many rows of few values": (np.repeat([0.5, 1.5, 2.5], 7000).tolist(), [0.5, 2.5]),
}


def families(text: str) -> list[tuple[str, str, str, dict[Any, float]]]:
    """Read everything that a text says, but for `_created` and the bin `__unseen__`."""
    return [
        (each.name, each.type, each.documentation, samples(each))
        for each in text_string_to_metric_families(text)
        if not each.name.endswith("_created")
    ]


def samples(family: Any) -> dict[Any, float]:
    """Read the samples of a family by name and labels, with edges as numbers."""
    found = {}
    for sample in family.samples:
        labels = {k: float(v) if k == "le" else v for k, v in sample.labels.items()}
        if labels.get("bin") == "__unseen__":
            assert sample.value == 0
            continue
        key = (sample.name, *sorted(labels.items()))
        assert key not in found
        found[key] = sample.value
    return found


def nearly(families: list[Any]) -> list[Any]:
    """Let sums differ in the last digits, as they were added up in another order."""
    return [
        (*rest, {key: pytest.approx(value, rel=1e-12) for key, value in found.items()})
        for *rest, found in families
    ]


SERVED = """
text = exported([[name, values] for name, values in features], inference)
result = [text, served(text, predictions)]
"""


@pytest.mark.parametrize("name", COLUMNS)
def test_the_file_and_the_metrics_say_what_those_of_the_predecessor_say(name, both):
    trained, live = COLUMNS[name]
    theirs, ours = both(
        SERVED,
        features=[[name, trained]],
        inference=UNIFORM.tolist(),
        predictions=[[[value], 0.5] for value in live],
    )
    for old, new in zip(theirs, ours, strict=True):
        assert families(new) == nearly(families(old))


@pytest.mark.parametrize("trained", [[0, 1] * 200, [1.5, 2.5, None] * 200, LABELS])
def test_an_output_of_codes_or_labels_is_shown_as_by_the_predecessor(trained, both):
    theirs, ours = both(
        SERVED,
        features=[["x", UNIFORM.tolist()]],
        inference=trained,
        predictions=[[[0.5], output] for output in trained[:10] if output is not None],
    )
    for old, new in zip(theirs, ours, strict=True):
        assert families(new) == nearly(families(old))


def test_many_features_are_shown_in_the_order_of_the_predecessor(both):
    rows = 1000  # of more the predecessor looks at some, at random, to tell what is discrete
    features = [[name, (trained * rows)[:rows]] for name, (trained, _) in COLUMNS.items()]
    positive = [each for each in features if each[0] not in ("three rows", "constant")]
    row = [COLUMNS[name][1][0] for name, _ in positive]
    theirs, ours = both(
        SERVED, features=positive, inference=None, predictions=[[row, 0.5], [row, None]]
    )
    for old, new in zip(theirs, ours, strict=True):
        assert families(new) == nearly(families(old))


def test_a_file_of_the_predecessor_is_served_as_the_predecessor_serves_it(both):
    trained = [["uniform", UNIFORM.tolist()], ["codes", COLUMNS["codes"][0] + [1] * 100]]
    (text, theirs), _ = both(
        SERVED, features=trained, inference=UNIFORM.tolist(), predictions=[[[0.5, 1], 0.25]]
    )
    _, ours = both("result = served(text, predictions)", text=text, predictions=[[[0.5, 1], 0.25]])
    assert families(ours) == nearly(families(theirs))


def random_column(random: np.random.Generator) -> list[float]:
    """Return some column of some size and scale."""
    size = int(random.choice([1, 2, 3, 5, 10, 50, 300, 1500]))
    shape = random.choice([0, 1, 2, 3, 4])
    column = [
        lambda: random.normal(random.normal() * 10, 1, size),
        lambda: random.exponential(1, size),
        lambda: random.integers(0, random.integers(1, 500), size),
        lambda: random.standard_t(1.5, size).clip(-1e4, 1e4),
        lambda: np.round(random.gamma(0.5, 2.0, size), 1),
    ][shape]()
    return (column * 10.0 ** random.integers(-12, 13)).tolist()


def test_the_bins_of_random_columns_are_those_of_the_predecessor(both):
    random = np.random.default_rng(5)
    columns = [random_column(random) for _ in range(2000)]
    theirs, ours = both(
        "result = [[float(edge) for edge in get_bins(each)] for each in columns]", columns=columns
    )
    assert ours == theirs
