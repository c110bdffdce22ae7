"""The fast simulation of the alert on quality judges as boxkite does."""

from pathlib import Path

import numpy as np
import pytest

from boxkite.quality import LossSums, OutcomePairs, Outcomes, compare_outcomes, measure

FOLDER = Path(__file__).parents[2] / "benchmarks" / "quality"


@pytest.mark.parametrize(("labels", "drop"), [(1, 0.0), (30, 0.0), (30, 0.05)])
def test_the_verdicts_of_many_windows_are_boxkites(labels: float, drop: float) -> None:
    from label_windows import STATISTICS, LabelWindows, ScoredRows
    from sliding_alert import POLICY, Alerts, score_cells

    source = ScoredRows(np.random.default_rng(1))
    cells = score_cells()
    scores, outcome = source.draw(1500)
    training = cells.count([scores], outcome)
    (layout,) = training.pairs
    hours = LabelWindows.of_hours(source, layout.edges, labels, hours=200, drop=drop).of_segment(0)
    ends = np.array([168, 180, 200])
    windows = hours.windows(ends, 24)
    found, worse = windows.statistics(), Alerts(training, hours, parts=4).worse("1d", ends)
    for place in range(len(ends)):
        losses = {
            name: LossSums(*windows.losses[place, each].tolist())
            for each, name in enumerate(("log_loss", "brier"))
        }
        pairs = OutcomePairs(
            output=layout.output,
            kind="score",
            counts=windows.counts[place],
            edges=layout.edges,
            categories=layout.categories,
            output_sums=np.zeros(len(layout.counts)),
            losses=losses,
            threshold=layout.threshold,
        )
        expected = {each.name: each for each in measure(Outcomes((pairs,)))}
        assert found.rows[place].tolist() == [expected[name].rows for name in STATISTICS]
        for values, field in ((found.value, "value"), (found.error, "error")):
            assert values[place] == pytest.approx(
                [getattr(expected[name].interval, field) for name in STATISTICS], nan_ok=True
            )
        judged = compare_outcomes(
            Outcomes((pairs,)), training, policy=POLICY, window="1d", sliding=True, parts=4
        )
        verdicts = {each.now.name: each.verdict == "worse" for each in judged}
        assert worse[place].tolist() == [verdicts[name] for name in STATISTICS]
    assert worse.any() == (drop > 0)


def test_rows_are_counted_as_boxkite_counts_them() -> None:
    from label_windows import LabelWindows, ScoredRows
    from sliding_alert import score_cells

    scores, outcome = ScoredRows(np.random.default_rng(2)).draw(900)
    places = np.repeat([0, 1, 2], 300)
    cells = score_cells()
    expected = [cells.count([scores[places == each]], outcome[places == each]) for each in range(3)]
    edges = expected[0].pairs[0].edges
    found = LabelWindows.counted((3,), places, scores, outcome, edges)
    for place, outcomes in enumerate(expected):
        (pairs,) = outcomes.pairs
        assert np.array_equal(found.counts[place], pairs.counts)
        losses = [pairs.losses["log_loss"], pairs.losses["brier"]]
        assert found.losses[place] == pytest.approx(np.array(losses))


def test_an_alert_waits_and_then_fires_for_a_day_after_its_last_cause() -> None:
    from sliding_alert import started

    def at(*hours: int) -> list[int]:
        ends = np.arange(100)
        return [*started(ends, np.isin(ends, hours), 2.4)]

    assert at(10, 11, 12) == []
    assert at(10, 11, 12, 13) == [13]
    assert at(10, 11, 13, 14) == []
    assert at(*range(10, 20), *range(39, 45)) == [13]  # still firing when it is worse again
    assert at(*range(10, 20), *range(60, 70)) == [13, 63]
