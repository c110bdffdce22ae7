import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from boxkite.variation import Variation, learn_variation, training_drift
from boxkite.variation.deviation import deviations, distances
from boxkite.variation.learning import MIN_WINDOWS, MOST_DIRECTIONS
from boxkite.variation.sliding_windows import Sliding
from boxkite.variation.spread import greatest_usual

CELLS = 12


def fractions(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(weights) / np.exp(weights).sum()


def windows(
    number: int, rows: int = 2000, wave: float = 0.0, repeats: int = 1, seed: int = 0
) -> NDArray[np.int64]:
    """Return windows whose cells tilt to and fro by `wave`, each row standing `repeats` times."""
    random = np.random.default_rng(seed)
    tilt = np.linspace(-1, 1, CELLS)
    return np.array(
        [
            random.multinomial(rows // repeats, fractions(wave * random.normal() * tilt)) * repeats
            for _ in range(number)
        ]
    )


def learnt(counts: NDArray[np.int64], *, ordered: bool = True) -> Variation:
    found = learn_variation(counts, ordered=ordered)
    assert found is not None
    return found


@pytest.mark.parametrize("rows", [100, 1000, 20_000])
@pytest.mark.parametrize("number", [8, 60])
def test_independent_rows_have_no_natural_variation(number: int, rows: int) -> None:
    found = [learnt(windows(number, rows, seed=seed)).is_chance for seed in range(20)]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize("seed", range(3))
def test_thin_cells_have_no_natural_variation(seed: int) -> None:
    random = np.random.default_rng(seed)
    thin = fractions(-np.arange(30) / 4)
    assert learnt(random.multinomial(200, thin, 60), ordered=False).is_chance


def test_one_way_to_vary_is_one_direction() -> None:
    found = learnt(windows(60, wave=0.5))
    assert len(found.along) == 1
    expected = np.linspace(-1, 1, CELLS)
    overlap = abs(found.directions[0] @ expected) / np.linalg.norm(expected)
    assert overlap > 0.99
    assert found.rest is None or found.rest.limit(1e-4) < 0.1 * found.along[0].limit(1e-4)


def test_bursts_of_equal_rows_are_no_direction() -> None:
    found = learnt(windows(60, repeats=20))
    assert len(found.along) == 0
    assert found.rest is not None
    assert found.distance is not None


def test_unordered_categories_have_no_distance() -> None:
    assert learnt(windows(60, wave=0.5), ordered=False).distance is None


@pytest.mark.parametrize("number", [0, 1, MIN_WINDOWS - 1])
def test_too_few_windows_teach_nothing(number: int) -> None:
    counts = windows(20)[:number].reshape(-1, CELLS)
    assert learn_variation(counts, ordered=True) is None


def test_nights_without_traffic_are_left_out() -> None:
    counts = windows(30, wave=0.5)
    night = np.zeros((10, CELLS), dtype=np.int64)
    night[:5, 0] = 3
    found, without = learnt(np.vstack([night, counts])), learnt(counts)
    assert found.windows == without.windows == 30
    assert found.along[0].scale == pytest.approx(without.along[0].scale, rel=0.05)


def test_windows_of_unequal_size_show_the_same_variation() -> None:
    random = np.random.default_rng(5)
    tilt = np.linspace(-1, 1, CELLS)
    rows = np.where(np.arange(120) % 2, 200, 4000)
    weights = 0.4 * random.normal(size=120)
    unequal = np.array(
        [random.multinomial(m, fractions(w * tilt)) for m, w in zip(rows, weights, strict=True)]
    )
    equal = np.array([random.multinomial(4000, fractions(w * tilt)) for w in weights])
    assert learnt(unequal).along[0].scale == pytest.approx(learnt(equal).along[0].scale, rel=0.4)


def test_a_blizzard_does_not_turn_the_direction() -> None:
    counts = windows(60, wave=0.4)
    blizzard = np.zeros(CELLS, dtype=np.int64)
    blizzard[[2, 9]] = 1000
    overlap = learnt(counts).directions[0] @ learnt(np.vstack([counts, blizzard])).directions[0]
    assert abs(overlap) > 0.98


@pytest.mark.parametrize("wave", [0.0, 0.5])
def test_two_cells_vary_along_one_direction_at_most(wave: float) -> None:
    counts = windows(60, wave=wave)
    two = np.stack([counts[:, :6].sum(axis=1), counts[:, 6:].sum(axis=1)], axis=1)
    found = learnt(two)
    assert len(found.along) == (1 if wave else 0)
    assert found.rest is None


def test_rows_all_in_one_cell_are_chance() -> None:
    counts = np.zeros((20, 3), dtype=np.int64)
    counts[:, 1] = 500
    assert learnt(counts).is_chance


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_counts_give_unit_directions_and_finite_limits(data: st.DataObject) -> None:
    cells, number = data.draw(st.integers(2, 12)), data.draw(st.integers(8, 40))
    seed, scale = data.draw(st.integers(0, 99)), data.draw(st.sampled_from([0.3, 3, 300]))
    random = np.random.default_rng(seed)
    counts = random.gamma(0.5, scale, (number, cells)).astype(np.int64) * 10
    found = learn_variation(counts, ordered=bool(seed % 2))
    if found is None:
        return
    assert len(found.along) <= MOST_DIRECTIONS
    identity = np.eye(len(found.directions))
    assert found.directions @ found.directions.T == pytest.approx(identity, abs=1e-8)
    for spread in filter(None, [*found.along, found.rest, found.distance]):
        assert 0 <= spread.limit(1e-6) < np.inf


@settings(max_examples=15, deadline=None)
@given(st.permutations(list(range(30))))
def test_the_order_of_the_windows_does_not_matter(order: list[int]) -> None:
    counts = windows(30, wave=0.4)
    found, again = learnt(counts), learnt(counts[order])
    assert np.array_equal(found.directions, again.directions)
    assert (found.along, found.rest, found.distance) == (again.along, again.rest, again.distance)


def test_small_windows_may_vary_more() -> None:
    found = learnt(windows(30, rows=1000))
    assert [found.growth(rows) for rows in (250, 1000, 4000)] == [4.0, 1.0, 1.0]


def test_training_that_drifts_is_measured_from_its_first_to_its_last_fifth() -> None:
    steady = windows(50)
    random = np.random.default_rng(1)
    tilt = np.linspace(-1, 1, CELLS)
    growing = np.array([random.multinomial(2000, fractions(i / 50 * tilt)) for i in range(50)])
    assert training_drift(steady) < 0.01
    assert training_drift(growing) > 0.2
    assert training_drift(steady[:4]) == 0.0
    assert training_drift(np.zeros((50, CELLS), dtype=np.int64)) == 0.0


def test_windows_that_slide_tell_no_more_than_those_that_do_not() -> None:
    """A day that starts at noon is half of two days; its quarters are the slots."""
    random = np.random.default_rng(3)
    tilt = np.linspace(-1, 1, CELLS)
    weights = np.repeat(0.4 * random.normal(size=60), 4)
    quarters = np.array([random.multinomial(500, fractions(w * tilt)) for w in weights])
    sliding = learn_variation(quarters, ordered=True, slots=4)
    days = learnt(quarters.reshape(60, 4, CELLS).sum(axis=1))
    assert sliding is not None
    assert sliding.windows == pytest.approx(days.windows, abs=1)
    assert sliding.along[0].windows == sliding.windows
    assert sliding.along[0].limit(1e-4) == pytest.approx(days.along[0].limit(1e-4), rel=0.5)
    assert learn_variation(quarters[:28], ordered=True, slots=4) is None


def test_ks_learns_from_windows_with_few_rows_too() -> None:
    random = np.random.default_rng(4)
    day, night = np.full(CELLS, 1 / CELLS), fractions(np.linspace(-3, 3, CELLS))
    hours = np.array(
        [
            random.multinomial(12, night) if hour % 24 == 3 else random.multinomial(1000, day)
            for hour in range(24 * 28)
        ]
    )
    found = learnt(hours)
    assert found.distance is not None
    nights = hours[3::24]
    gaps = np.abs(np.cumsum(nights / 12 - hours.sum(axis=0) / hours.sum(), axis=1)).max(axis=1)
    assert found.distance.limit(1e-5) * found.growth(12) > 0.8 * float(gaps.max() ** 2)


def test_what_happens_once_a_week_is_natural() -> None:
    random = np.random.default_rng(4)
    usual, weekly = np.full(CELLS, 1 / CELLS), fractions(np.linspace(-3, 3, CELLS))
    quarters = [
        random.multinomial(100, weekly if quarter // 4 % 168 == 50 else usual)
        for quarter in range(4 * 168 * 4)
    ]
    found = learn_variation(np.array(quarters), ordered=True, slots=4)
    assert found is not None
    hour = np.sum(quarters[200:204], axis=0)
    total = np.sum(quarters, axis=0)
    points = deviations(hour, total - hour)
    assert found.distance is not None
    assert found.distance.greatest > 0.9 * float(distances(hour, total - hour)) ** 2
    scores = found.directions @ points
    rest = float(points @ points - scores @ scores)
    assert found.rest is None or found.rest.greatest > 0.8 * rest


def test_one_wild_event_is_no_usual_amount_however_many_windows_show_it() -> None:
    amounts = np.ones(200)
    amounts[80:87] = 9.0  # Windows that begin fewer than four slots from the greatest one.
    amounts[83] = 10.0
    sliding = Sliding(np.arange(200), length=4, overlap=4)
    assert greatest_usual(amounts, sliding) == 1.0
    amounts[120] = 8.0
    assert greatest_usual(amounts, sliding) == 8.0


def test_a_weekly_hour_with_too_few_rows_in_some_weeks_is_natural() -> None:
    random = np.random.default_rng(4)
    usual, weekly = np.full(CELLS, 1 / CELLS), fractions(np.linspace(-3, 3, CELLS))
    needed = 5 * CELLS
    hours = np.array(
        [
            random.multinomial(needed - 5 if hour == 50 + 168 else needed + 5, weekly)
            if hour % 168 == 50
            else random.multinomial(1000, usual)
            for hour in range(168 * 2)
        ]
    )
    hour, total = hours[50], hours.sum(axis=0)
    found = learnt(hours)
    points = deviations(hour, total - hour)
    scores = found.directions @ points
    rest = float(points @ points - scores @ scores)
    assert found.rest is not None
    assert found.rest.greatest * found.growth(int(hour.sum())) > 0.5 * rest
