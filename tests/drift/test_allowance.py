"""One verdict, computed by arrays in Python and by sums over cells in Prometheus."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.drift import Policy, compare_counts
from boxkite.drift.allowance import Allowance, measure
from boxkite.drift.shares import Shares, excess_quantile, score_quantile
from boxkite.variation import Variation, learn_variation
from boxkite.variation.deviation import deviations

CELLS = 10


def learnt(seed: int = 0, wave: float = 0.6, cells: int = CELLS) -> Variation:
    random = np.random.default_rng(seed)
    tilts = np.linspace(-1, 1, cells), np.cos(np.linspace(0, 6, cells))
    weights = random.normal(size=(40, 2)) * [wave, wave / 2]
    fractions = np.exp(weights @ np.array(tilts))
    rows = random.integers(500, 5000, 40)
    counts = np.array(
        [random.multinomial(m, f / f.sum()) for m, f in zip(rows, fractions, strict=True)]
    )
    found = learn_variation(counts, ordered=True)
    assert found is not None
    return found


VARIATION = learnt()
counts = st.lists(st.integers(0, 5000), min_size=CELLS, max_size=CELLS).filter(any)


def by_sums(
    live: Sequence[int],
    training: Sequence[int],
    variation: Variation,
    allowance: Allowance,
    k: float,
) -> set[str]:
    """Return the tests that are exceeded, by the formula of the rules: sums over cells."""
    m, n, cells = sum(live), sum(training), len(live)
    z = []
    for a, b in zip(live, training, strict=True):
        p, q = (a + k / 2) / (m + k * cells / 2), (b + k / 2) / (n + k * cells / 2)
        z.append(math.copysign(math.sqrt(max((p - q) * math.log(p / q), 0.0)), p - q))
    scores = [
        sum(w * each for w, each in zip(direction, z, strict=True))
        for direction in variation.directions.tolist()
    ]
    rest = sum(each * each for each in z) - sum(score * score for score in scores)
    chance = k * (1 / n + 1 / m)
    growth = max(1.0, allowance.window_rows / m)

    def limit(own: float, projected: float, natural: float) -> float:
        natural = natural * growth
        return natural + math.sqrt((own * chance) ** 2 + 4 * projected * chance * natural)

    found = set()
    if rest > limit(allowance.rest, allowance.score, allowance.natural_rest):
        found.add("rest")
    pairs = zip(scores, allowance.natural_scores, strict=True)
    for i, (score, natural) in enumerate(pairs, 1):
        if score * score > limit(allowance.score, allowance.score, natural):
            found.add(f"direction {i}")
    most = 0.0
    for i in range(cells):
        most = max(most, abs(sum(live[: i + 1]) / m - sum(training[: i + 1]) / n))
    square = allowance.distance**2
    if most * most > limit(square, square, allowance.natural_distance):
        found.add("K-S")
    outside = [
        each - sum(s * w[i] for s, w in zip(scores, variation.directions.tolist(), strict=True))
        for i, each in enumerate(z)
    ]
    if max(*outside, 0.0) ** 2 > limit(
        allowance.excess, allowance.excess, allowance.natural_excess
    ):
        found.add("cell")
    return found


@settings(max_examples=60, deadline=None)
@given(counts, counts, st.sampled_from([1.0, 3.0]), st.floats(1e-6, 0.05))
def test_arrays_and_sums_over_cells_agree(
    live: list[int], training: list[int], k: float, share: float
) -> None:
    arrays = np.array(live), np.array(training)
    found = measure(*arrays, VARIATION, ordered=True, design_effect=k)
    allowance = Allowance.of(share, 40.0, 2.0, VARIATION)
    assert set(allowance.exceeded(found)) == by_sums(live, training, VARIATION, allowance, k)


@settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_scores_and_rest_add_up_to_psi(live: list[int], training: list[int]) -> None:
    found = measure(np.array(live), np.array(training), VARIATION, ordered=True)
    total = found.rest + sum(score**2 for score in found.scores)
    assert total == pytest.approx(found.psi, rel=1e-12, abs=1e-15)
    assert found.rest >= -1e-12


CHANCE = Variation(40, 1000.0, np.empty((0, CELLS)))


@settings(max_examples=60, deadline=None)
@given(counts, st.sampled_from([None, CHANCE]), st.booleans(), st.sampled_from(["1h", "1d"]))
def test_without_natural_variation_the_verdict_is_that_of_psi_and_ks(
    live: list[int], variation: Variation | None, ordered: bool, window: str
) -> None:
    random = np.random.default_rng(1)
    column = random.normal(size=5000) if ordered else [f"c{i % (CELLS - 1)}" for i in range(5000)]
    baseline = Baseline.fit({"x": column}, bins=CELLS)
    (variable,) = baseline.variables
    policy = Policy()
    tally = Tally(np.array(live))
    (expected,) = compare_counts(baseline, [tally], 0, policy=policy, window=window).variables
    found = measure(tally.cells, variable.counts, variation, ordered=ordered)
    allowance = Allowance.of(
        policy.share(window, 1),
        policy.critical(window, 1, variable),
        policy.ks_critical(window, 1) if ordered else math.nan,
        variation,
    )
    assert found.psi == pytest.approx(expected.psi, rel=1e-12, abs=1e-15)
    assert allowance.rest_limit(found) == expected.critical
    if ordered:
        assert found.distance == expected.ks
        assert allowance.distance_limit(found) == expected.ks_critical
    names = {"rest": "PSI", "K-S": "K-S"}
    if expected.verdict != "insufficient":
        # Only known variation, even if it is none, adds a test of single cells.
        exceeded = set(allowance.exceeded(found)) - ({"cell"} if variation else set())
        assert {names[each] for each in exceeded} == set(expected.above)


@given(st.floats(1e-9, 0.5), st.booleans(), st.sampled_from([None, 0, 1, 2, 3]))
def test_the_shares_add_up(share: float, ordered: bool, directions: int | None) -> None:
    found = Shares.of(share, ordered=ordered, directions=directions)
    total = found.rest + found.score * (directions or 0) + found.distance + found.excess
    assert total == pytest.approx(share)
    if directions is None:
        assert found.rest == (share / 2 if ordered else share)
    else:
        least = score_quantile(share)
        assert not directions or least >= 2 * math.log(2 / found.score) - 1e-9
        assert excess_quantile(share, 10) >= 2 * math.log(10 / found.excess) - 1e-9


@pytest.mark.parametrize("rows", [20, 100, 1000, 20_000])
@pytest.mark.parametrize("expected", [0.001, 0.01, 0.1, 1.0, 5.0, 15.0])
def test_chance_exceeds_the_quantile_of_one_cell_at_most_as_often_as_its_share(
    rows: int, expected: float
) -> None:
    counts = np.arange(rows + 1)
    training = np.array([10**9 * expected / rows, 10**9 * (1 - expected / rows)])
    live = np.stack([counts, rows - counts], axis=1)
    z = deviations(live, np.broadcast_to(training.astype(np.int64), live.shape))[:, 0]
    chance = 1 / rows + 1e-9
    for share in (1e-2, 1e-4, 1e-6, 1e-9):
        above = (z > 0) & (z**2 / chance > 2 * math.log(1 / share))
        assert binom.pmf(counts, rows, expected / rows)[above].sum() <= share


@given(st.floats(1e-9, 0.5))
def test_the_score_quantile_bounds_the_normal_one(share: float) -> None:
    assert score_quantile(share) >= chi2.isf(share / 24, 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(50, 20_000), st.integers(0, 50))
def test_natural_variation_only_ever_raises_a_limit(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    live = random.multinomial(rows, np.full(CELLS, 1 / CELLS))
    found = measure(live, np.full(CELLS, 900), VARIATION, ordered=True)
    without = Allowance(40.0, score_quantile(1e-4), 2.0)
    allowed = Allowance.of(1e-4, 40.0, 2.0, VARIATION)
    assert allowed.rest_limit(found) >= without.rest_limit(found)
    assert allowed.distance_limit(found) >= without.distance_limit(found)


def test_windows_of_training_are_no_drift() -> None:
    random = np.random.default_rng(4)
    weights = random.normal(size=(30, 1)) * np.linspace(-1, 1, CELLS)
    fractions = np.exp(0.5 * weights)
    training = np.array([random.multinomial(2000, f / f.sum()) for f in fractions])
    variation = learn_variation(training, ordered=True)
    assert variation is not None
    allowance = Allowance.of(1e-4, 40.0, 2.0, variation)
    total = training.sum(axis=0)
    for window in training:
        assert not allowance.exceeded(measure(window, total, variation, ordered=True))


def test_what_the_data_never_does_is_found() -> None:
    total = np.full(CELLS, 4000, dtype=np.int64)
    live = np.full(CELLS, 400)
    live[[3, 4]] += [-150, 150]
    found = measure(live, total, VARIATION, ordered=True)
    assert "rest" in Allowance.of(1e-4, 40.0, 2.0, VARIATION).exceeded(found)


def test_a_greater_design_effect_smooths_and_allows_more() -> None:
    live, training = np.array([40, 0, 60]), np.array([400, 40, 560])
    plain = measure(live, training, ordered=True)
    clustered = measure(live, training, ordered=True, design_effect=20.0)
    assert clustered.psi < plain.psi
    assert clustered.chance == pytest.approx(20 * plain.chance)
