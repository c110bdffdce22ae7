"""Statistics of paired rows equal those that scikit-learn computes from the rows."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import QualityStatistic, measure


def statistics(
    output: Any, outcome: Any, *, threshold: float = 0.5, **options: Any
) -> dict[str, QualityStatistic]:
    """Return the statistics of rows by name, with the class before a colon if they have one."""
    baseline = Baseline.fit({"x": np.arange(len(outcome)) % 7}, output, **options)
    cells = OutcomeCells.of(baseline.outputs, outcome, threshold)
    columns = list(output.values()) if isinstance(output, dict) else [output]
    found = measure(cells.count(columns, outcome))
    return {f"{each.category}:{each.name}".lstrip(":"): each for each in found}


def realistic(rows: int, skill: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return calibrated scores and outcomes."""
    random = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-random.normal(-1, skill, rows)))
    return scores, (random.random(rows) < scores).astype(int)


scores_and_outcomes = st.integers(0, 2**31).flatmap(
    lambda seed: st.tuples(
        st.integers(2, 400), st.floats(0.1, 4), st.sampled_from([1, 2, 16]), st.just(seed)
    )
)


@settings(max_examples=15, deadline=None)
@given(scores_and_outcomes, st.floats(0.05, 0.95))
def test_a_score_has_the_statistics_of_its_rows(
    case: tuple[int, float, int, int], threshold: float
) -> None:
    rows, skill, digits, seed = case
    scores, outcomes = realistic(rows, skill, seed)
    scores = scores.round(digits)
    found = statistics(scores, outcomes, threshold=threshold)
    predicted = scores > threshold
    exact = {
        "accuracy": metrics.accuracy_score(outcomes, predicted),
        "log_loss": metrics.log_loss(outcomes, scores, labels=[0, 1]),
        "brier": metrics.brier_score_loss(outcomes, scores),
    }
    if predicted.any():
        exact["precision"] = metrics.precision_score(outcomes, predicted)
    if outcomes.any():
        exact["recall"] = metrics.recall_score(outcomes, predicted, zero_division=0)
    if predicted.any() or outcomes.any():
        exact["f1"] = metrics.f1_score(outcomes, predicted, zero_division=0)
    for name, value in exact.items():
        assert found[name].value == pytest.approx(value, rel=1e-9, abs=1e-12), name
    for name in {"precision", "recall", "f1", "auc"} - exact.keys():
        assert found[name].is_defined == (name == "auc" and 0 < outcomes.sum() < rows)
    if 0 < outcomes.sum() < rows:
        auc = found["auc"]
        assert abs(auc.value - metrics.roc_auc_score(outcomes, scores)) <= auc.bound + 1e-12
    for each in found.values():
        if each.is_defined:
            assert each.reason == ""
            assert each.interval.low <= each.value <= each.interval.high
        else:
            assert each.reason
            assert math.isnan(each.interval.low)


@pytest.mark.parametrize("skill", [0.3, 1.0, 2.5])
def test_the_auc_of_twenty_bins_is_close_to_that_of_the_rows(skill: float) -> None:
    scores, outcomes = realistic(20_000, skill, seed=5)
    found = statistics(scores, outcomes)["auc"]
    assert found.value == pytest.approx(metrics.roc_auc_score(outcomes, scores), abs=0.005)
    assert 0 < found.bound < 0.05


def test_the_calibration_error_is_the_mean_distance_from_the_diagonal() -> None:
    scores = np.repeat([0.1, 0.3, 0.9], 100)
    outcomes = np.concatenate([np.arange(100) < hits for hits in (10, 50, 80)])
    found = statistics(scores, outcomes)["calibration_error"]
    assert found.value == pytest.approx((0 + 0.2 + 0.1) / 3)
    assert not found.judged


def test_no_probability_has_no_loss_of_probabilities() -> None:
    found = statistics(np.linspace(-3, 3, 500), np.arange(500) % 2, threshold=0)
    assert found.keys() == {"accuracy", "precision", "recall", "f1", "auc"}


@pytest.mark.parametrize("spelling", [[False, True], ["0", "1"], ["false", "true"], [0.0, 1.0]])
def test_zero_and_one_count_in_every_spelling(spelling: list[Any]) -> None:
    outcomes = [spelling[0], spelling[1], spelling[1], None] * 50
    found = statistics(np.tile([0.1, 0.9, 0.2, 0.7], 50), outcomes)
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["accuracy"].rows == 150


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(2, 300))
def test_class_probabilities_have_the_statistics_of_their_rows(
    seed: int, number: int, rows: int
) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(number, 0.7), rows)
    names = [f"c{i}" for i in range(number)]
    outcomes = np.array([random.choice(number, p=each) for each in probabilities])
    output = dict(zip(names, probabilities.T, strict=True))
    labels = np.array(names)[outcomes]
    found = statistics(output, labels, classes=True)
    predicted = probabilities.argmax(axis=1)
    exact = {
        "accuracy": metrics.accuracy_score(outcomes, predicted),
        "macro_precision": metrics.precision_score(
            outcomes, predicted, average="macro", zero_division=0
        ),
        "macro_recall": metrics.recall_score(outcomes, predicted, average="macro", zero_division=0),
        "macro_f1": metrics.f1_score(outcomes, predicted, average="macro", zero_division=0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact["log_loss"] = metrics.log_loss(outcomes, probabilities, labels=range(number))
    for name, value in exact.items():
        assert found[name].value == pytest.approx(value, rel=1e-9, abs=1e-12), name
    for i, name in enumerate(names):
        loss = metrics.brier_score_loss(outcomes == i, probabilities[:, i])
        assert found[f"{name}:brier"].value == pytest.approx(loss)
        assert not found[f"{name}:auc"].judged
        if (predicted == i).any():
            precision = metrics.precision_score(outcomes == i, predicted == i)
            assert found[f"{name}:precision"].value == pytest.approx(precision)


def test_classes_that_training_never_saw_count_as_wrong() -> None:
    predicted = ["a", "b"] * 100
    baseline = Baseline.fit({"x": range(200)}, predicted)
    outcomes = ["a", "b", "a", "new"] * 50
    cells = OutcomeCells.of(baseline.outputs, outcomes)
    found = measure(cells.count([["a", "b", "a", "newer"] * 50], outcomes))
    accuracy = next(each for each in found if each.name == "accuracy")
    assert accuracy.value == 0.75


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=50))
def test_a_number_has_the_statistics_of_its_rows(rows: list[tuple[float, float]]) -> None:
    predicted, actual = map(np.array, zip(*rows, strict=True))
    actual[0] = 2.5  # or else it might be a classifier
    found = statistics(predicted, actual)
    error = predicted - actual
    assert found["mae"].value == pytest.approx(np.abs(error).mean(), abs=1e-9)
    assert found["rmse"].value == pytest.approx(np.sqrt((error**2).mean()), abs=1e-9)
    assert found["bias"].value == pytest.approx(error.mean(), abs=1e-9)


def test_rows_without_an_output_or_an_outcome_are_left_out() -> None:
    baseline = Baseline.fit({"x": range(100)}, np.linspace(0, 1, 100))
    cells = OutcomeCells.of(baseline.outputs, [0, 1])
    found = cells.count([[0.2, None, "text", 0.9, float("inf"), 0.8]], [0, 1, 1, None, 1, 2])
    assert (found.rows, found.unpaired) == (1, 5)
