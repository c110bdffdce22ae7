"""A new window of the same kind exceeds its limit about as rarely as stated, or more rarely."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, t

from boxkite.variation.spread import MANY_WINDOWS, Spread, fit_spread

Floats: TypeAlias = NDArray[np.float64]
Draw: TypeAlias = Callable[[np.random.Generator, int], Floats]

TAIL = 1e-3


def fit(amounts: Floats, chance: float = 1e-9, rank: float = 1.0) -> Spread:
    ones = np.ones(len(amounts))
    return fit_spread(amounts, chance * ones, rank=rank)


class Kind(NamedTuple):
    """A way in which windows vary: draws of an amount, and the probability of more than a limit."""

    draw: Draw
    beyond: Callable[[float], float]


def normal(random: np.random.Generator, number: int) -> Floats:
    return random.normal(size=number) ** 2


KINDS = {
    "normal": Kind(normal, lambda limit: float(chi2.sf(limit, 1))),
    "sine": Kind(
        lambda random, number: np.sin(random.uniform(0, 2 * np.pi, number)) ** 2,
        lambda limit: 1 - 2 / np.pi * float(np.arcsin(min(1.0, np.sqrt(limit)))),
    ),
    "trend": Kind(
        lambda random, number: random.uniform(-1, 1, number) ** 2,
        lambda limit: max(0.0, 1 - float(np.sqrt(limit))),
    ),
    "heavy": Kind(
        lambda random, number: random.standard_t(3, number) ** 2,
        lambda limit: 2 * float(t.sf(np.sqrt(limit), 3)),
    ),
}


def exceeded(kind: str, windows: int, repeats: int = 200) -> float:
    """Return how often a new window exceeds the limit, on average over trainings."""
    random = np.random.default_rng(windows)
    draw, beyond = KINDS[kind]
    return float(np.mean([beyond(fit(draw(random, windows)).limit(TAIL)) for _ in range(repeats)]))


@pytest.mark.parametrize("windows", [8, 14, 28, 90])
@pytest.mark.parametrize("kind", ["normal", "sine", "trend"])
def test_windows_without_drift_stay_within_the_limit(kind: str, windows: int) -> None:
    assert exceeded(kind, windows) < 1.3 * TAIL


@pytest.mark.parametrize("windows", [28, 90])
def test_heavy_tails_exceed_the_limit_rarely(windows: int) -> None:
    """The ceiling of the limit costs a few alarms in a thousand windows, and keeps power."""
    assert exceeded("heavy", windows) < 10 * TAIL


def test_rare_hours_that_recur_are_natural() -> None:
    amounts = np.tile(np.eye(168)[50], 4)
    assert fit(amounts).limit(1e-6) >= 0.999


def test_sums_of_squares_have_a_lighter_tail() -> None:
    random = np.random.default_rng(1)
    found = fit(random.chisquare(8, 600))
    assert found.numerator > 3
    assert found.limit(1e-4) == pytest.approx(chi2.isf(1e-4, 8), rel=0.25)


def test_a_trend_uses_up_no_more_than_its_range_again() -> None:
    amounts = np.linspace(-1, 1, 90) ** 2
    assert 0.999 <= fit(amounts).limit(1e-5) <= 4.4


def test_few_windows_need_a_greater_limit() -> None:
    random = np.random.default_rng(2)
    limits = [
        np.median([fit(normal(random, windows)).limit(1e-4) for _ in range(100)])
        for windows in (8, 14, 28, 90)
    ]
    assert limits == sorted(limits, reverse=True)


def test_one_blizzard_in_many_windows_changes_the_limit_little() -> None:
    random = np.random.default_rng(3)
    amounts = normal(random, 90)
    wild = np.append(amounts, 1000.0)
    assert fit(wild).limit(1e-4) < 2 * fit(amounts).limit(1e-4)
    few = np.append(amounts[: MANY_WINDOWS - 2], 1000.0)
    assert fit(few).limit(1e-4) >= 999


def test_chance_is_taken_off() -> None:
    random = np.random.default_rng(4)
    amounts = (random.normal(size=500) + random.normal(size=500)) ** 2
    assert fit(amounts, chance=1.0).scale == pytest.approx(1.0, rel=0.35)
    assert fit(normal(random, 500), chance=2.0).scale == 0.0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 100), min_size=8, max_size=60), st.floats(1e-7, 0.1))
def test_the_limit_covers_training(amounts: list[float], tail: float) -> None:
    found = fit(np.array(amounts))
    within = np.array(amounts) <= found.limit(tail) * (1 + 1e-8) + 1e-8  # nine digits are kept
    assert (~within).sum() <= (1 if len(amounts) >= MANY_WINDOWS else 0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(1e-6, 100), min_size=8, max_size=60), st.floats(1, 1000))
def test_the_limit_scales_with_the_amounts(amounts: list[float], factor: float) -> None:
    limit = fit(np.array(amounts)).limit(1e-3)
    scaled = fit(np.array(amounts) * factor).limit(1e-3)
    assert scaled == pytest.approx(limit * factor, rel=1e-3)
