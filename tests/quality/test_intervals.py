"""Intervals at 95 % cover the true value in about 95 % of samples."""

from collections.abc import Callable

import numpy as np
import pytest

from boxkite.quality.intervals import (
    Interval,
    auc_interval,
    calibration_interval,
    f1_interval,
    mean_interval,
    root_mean_interval,
    wilson,
)

SAMPLES = 1_000


def coverage(truth: float, sample: Callable[[np.random.Generator], Interval]) -> float:
    """Return the share of samples whose interval contains the truth."""
    random = np.random.default_rng(18)
    found = [sample(random) for _ in range(SAMPLES)]
    return sum(each.low <= truth <= each.high for each in found) / SAMPLES


@pytest.mark.parametrize(("chance", "rows"), [(0.5, 30), (0.9, 100), (0.98, 500)])
def test_wilson_covers_a_fraction(chance: float, rows: int) -> None:
    found = coverage(chance, lambda random: wilson(random.binomial(rows, chance), rows))
    assert found == pytest.approx(0.95, abs=0.025)


def test_wilson_holds_published_values() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20, by the score method.
    assert wilson(81, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20)[1:] == pytest.approx((0, 0.1611), abs=5e-5)


def test_f1_covers_its_value() -> None:
    # Of 200 rows, true positives, false positives and false negatives are 30, 10 and 10 %.
    def sample(random: np.random.Generator) -> Interval:
        tp, fp, fn, _ = random.multinomial(200, [0.3, 0.1, 0.1, 0.5])
        return f1_interval(tp, fp + fn)

    assert coverage(0.75, sample) == pytest.approx(0.95, abs=0.02)


def test_means_and_root_means_cover_their_values() -> None:
    def mean(random: np.random.Generator) -> Interval:
        values = random.exponential(2, 300)
        return mean_interval(values.sum(), (values**2).sum(), len(values))

    def root(random: np.random.Generator) -> Interval:
        squares = random.normal(0, 3, 300) ** 2
        return root_mean_interval(squares.sum(), (squares**2).sum(), len(squares))

    assert coverage(2, mean) == pytest.approx(0.95, abs=0.02)
    assert coverage(3, root) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("area", [0.5, 0.75, 0.95])
def test_the_auc_covers_its_value(area: float) -> None:
    # Two exponential distributions, of which one is `rate` times wider, have this area.
    rate = area / (1 - area)
    edges = np.linspace(0, 5 * rate, 400)

    def sample(random: np.random.Generator) -> Interval:
        positives = np.searchsorted(edges, random.exponential(rate, 80))
        negatives = np.searchsorted(edges, random.exponential(1, 120))
        return auc_interval(*(np.bincount(each, minlength=401) for each in (negatives, positives)))

    assert coverage(area, sample) == pytest.approx(0.95, abs=0.025)


def test_the_interval_of_a_perfect_auc_is_that_of_the_rarer_class() -> None:
    found = auc_interval(np.array([500, 0]), np.array([0, 20]))
    assert found == (1.0, *wilson(20, 20)[1:])
    assert found.low < 0.9


@pytest.mark.parametrize("error", [0.0, 0.05, 0.2])
def test_the_calibration_error_covers_its_value(error: float) -> None:
    rows = np.full(20, 50)
    scores = np.linspace(0.25, 0.75, 20)

    def sample(random: np.random.Generator) -> Interval:
        return calibration_interval(scores, random.binomial(rows, scores - error) / rows, rows)

    assert coverage(error, sample) >= 0.93


def test_there_is_no_interval_without_rows() -> None:
    for each in (wilson(0, 0), mean_interval(0, 0, 1), f1_interval(0, 0)):
        assert str(each) == str(Interval())
