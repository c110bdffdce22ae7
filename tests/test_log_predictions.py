"""Several predictions at once: one a row, as many outputs, ids that count up."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import boxkite
from boxkite import Baseline, Monitor

BASELINE = Baseline.fit(
    {"delay": np.arange(100.0), "carrier": ["AA", "UA"] * 50},
    {"late": np.linspace(0, 1, 100)},
    bins=4,
)
ROWS = [[1.0, "AA"], [2.0, "UA"]]


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    made = Monitor(BASELINE, registry=None)
    yield made
    made.close()


def marks(monitor: Monitor) -> dict[str, tuple[int, int, int]]:
    """Return the values in cells, missing and invalid, of each variable."""
    return {each.name: (each.rows, each.missing, each.invalid) for each in monitor.drift()}


def test_each_row_is_a_prediction_with_an_id_of_its_own(monitor: Monitor) -> None:
    ids = monitor.log_predictions(ROWS, [0.25, 0.5])
    assert len(set(ids)) == monitor.drift().predictions == 2
    assert marks(monitor) == {"delay": (2, 0, 0), "carrier": (2, 0, 0), "late": (2, 0, 0)}


@pytest.mark.parametrize("features", [ROWS[0], ROWS[:1], {"delay": 1.0}, pd.DataFrame(ROWS[:1])])
def test_one_row_is_one_prediction(monitor: Monitor, features: Any) -> None:
    assert len(monitor.log_predictions(features, 0.5)) == 1
    assert marks(monitor)["late"] == (1, 0, 0)


def test_no_rows_are_no_prediction(monitor: Monitor) -> None:
    assert monitor.log_predictions([], []) == []
    assert monitor.log_predictions(pd.DataFrame({"delay": []})) == []
    assert monitor.drift().predictions == sum(monitor.reporter.counts().values()) == 0


def test_rows_without_outputs_have_none(monitor: Monitor) -> None:
    monitor.log_predictions(ROWS)
    assert marks(monitor)["late"] == (0, 2, 0)


def test_where_outputs_are_not_as_many_those_of_all_rows_are_invalid(monitor: Monitor) -> None:
    assert len(monitor.log_predictions(ROWS, [0.5] * 3)) == 2
    assert marks(monitor) == {"delay": (2, 0, 0), "carrier": (2, 0, 0), "late": (0, 0, 2)}
    assert monitor.reporter.counts()["output"] == 1


@pytest.mark.parametrize(
    "features", [{"delay": [1, 2], "carrier": ["AA"]}, np.zeros((2, 2, 2)), 7, "text", object()]
)
def test_what_are_no_rows_is_counted_as_one_that_does_not_fit(
    monitor: Monitor, features: Any
) -> None:
    assert len(monitor.log_predictions(features, 0.5)) == 1
    assert marks(monitor) == {"delay": (0, 0, 1), "carrier": (0, 0, 1), "late": (1, 0, 0)}
    assert monitor.reporter.counts()["features"] == 1


def test_each_row_that_does_not_fit_is_counted_by_itself(monitor: Monitor) -> None:
    monitor.log_predictions([[1.0, "AA"], [2.0], ["many", None]], [0.5] * 3)
    assert marks(monitor) == {"delay": (1, 0, 2), "carrier": (1, 1, 1), "late": (3, 0, 0)}
    assert monitor.reporter.counts()["features"] == 1


def test_under_testing_a_mismatch_is_raised() -> None:
    monitor = Monitor(BASELINE, registry=None, raises=lambda: True)
    with pytest.raises(ValueError, match=r"^2 rows of features, but 1 outputs$"):
        monitor.log_predictions(ROWS, [0.5])


def test_the_log_has_a_record_a_row_and_the_body_in_the_first(records: Any) -> None:
    settings = boxkite.settings.from_environment({"log_request_body": True})
    monitor = Monitor(BASELINE, records, registry=None, settings=settings)
    ids = monitor.log_predictions(np.array(ROWS, dtype=object), [0.25, 0.5], {"rows": 2})
    assert [each.prediction_id for each in records] == ids
    assert [each.features for each in records] == [
        {"delay": 1.0, "carrier": "AA"}, {"delay": 2.0, "carrier": "UA"}
    ]  # fmt: skip
    assert [each.output for each in records] == [0.25, 0.5]
    assert records[0].request_body == {"rows": 2}
    assert len({each.created_at for each in records}) == 1


def test_redacted_fields_are_so_in_each_row(records: Any) -> None:
    settings = boxkite.settings.from_environment({"log_redact": ("carrier", "late")})
    monitor = Monitor(BASELINE, records, registry=None, settings=settings)
    monitor.log_predictions({"delay": [1.0, 2.0], "carrier": ["AA", "UA"]}, {"late": [0.25, 0.5]})
    assert [(each.features, each.output) for each in records] == [
        ({"delay": 1.0, "carrier": "[redacted]"}, "[redacted]"),
        ({"delay": 2.0, "carrier": "[redacted]"}, "[redacted]"),
    ]
    assert marks(monitor) == {"delay": (2, 0, 0), "carrier": (2, 0, 0), "late": (2, 0, 0)}


def test_receivers_are_told_of_each_row(monitor: Monitor) -> None:
    told = []

    def receiver(_: Any, **values: Any) -> None:
        told.append((values["prediction_id"], values["features"], values["output"]))

    with boxkite.signals.prediction_logged.connected_to(receiver):
        ids = monitor.log_predictions(ROWS, [0.25, 0.5])
    assert told == list(zip(ids, ROWS, [0.25, 0.5], strict=True))


def test_the_number_of_rows_is_told_before(monitor: Monitor) -> None:
    forms = [ROWS, ROWS[0], [], np.zeros((3, 2)), {"delay": [1, 2]}, {"delay": 1}, None, object(),
             {"delay": [1, 2], "carrier": ["AA"]}]  # fmt: skip
    assert [monitor.row_count(form) for form in forms] == [2, 1, 0, 3, 2, 1, 1, 1, 1]


def test_class_probabilities_come_a_vector_a_row() -> None:
    probabilities = np.random.default_rng(1).dirichlet([1, 1], 100)
    baseline = Baseline.fit({"a": np.arange(100)}, probabilities, classes=["no", "yes"])
    monitor = Monitor(baseline, registry=None)
    monitor.log_predictions([[1], [2], [3]], [[0.25, 0.75], [0.75, 0.25], [None, 1.0]])
    monitor.log_prediction([4], {"no": 0.0, "yes": 1.0})
    monitor.log_prediction([5], [0.5, 0.25, 0.25])
    assert marks(monitor) == {
        "a": (5, 0, 0), "no": (3, 1, 1), "yes": (4, 0, 1), "class": (3, 1, 1)
    }  # fmt: skip
    assert monitor.reporter.counts()["output"] == 1


VALUES = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=3), st.just(object()))
ROWS_OF_ANY_KIND = st.lists(
    st.one_of(
        VALUES,
        st.lists(VALUES, max_size=3),
        st.tuples(VALUES, VALUES),
        st.dictionaries(st.sampled_from(["delay", "carrier", "late"]), VALUES),
    ),
    max_size=4,
)
FORMS = st.one_of(
    VALUES,
    ROWS_OF_ANY_KIND,
    ROWS_OF_ANY_KIND.map(tuple),
    st.dictionaries(st.sampled_from(["delay", "carrier", "late"]), ROWS_OF_ANY_KIND),
)
EVERYTHING = Monitor(BASELINE, registry=None)


@given(FORMS, FORMS)
def test_whatever_is_given_each_id_leaves_one_mark_on_each_variable(
    features: Any, outputs: Any
) -> None:
    before = EVERYTHING.drift().predictions
    ids = EVERYTHING.log_predictions(features, outputs)
    comparison = EVERYTHING.drift()
    assert comparison.predictions == before + len(ids)
    for each in comparison:
        assert each.rows + each.missing + each.invalid == comparison.predictions
    assert EVERYTHING.reporter.counts()["journal"] == 0
