"""Cards: their order, the choice among them, and the verdict as a sentence."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from boxkite import Baseline, compare
from boxkite.report.cards import Choice, Report, report_of
from boxkite.report.rendering import page_html, report_html
from boxkite.report.ticket import ticket_svg
from boxkite.report.trend import Trend

RANDOM = np.random.default_rng(1)
ROWS = {name: RANDOM.normal(size=1000) for name in ("Calm", "moved", "far")}
BASELINE = Baseline.fit(ROWS, {"score": ROWS["Calm"]}, model="m", version="7")


def report(**live: object) -> Report:
    comparison = compare(BASELINE, live)
    return report_of(BASELINE, [tally for _, tally in comparison.counts], comparison, "in July")


CHANGED = "The rate of missing, unseen or invalid rows changed in"
MIXED = report(Calm=ROWS["Calm"], moved=ROWS["moved"] + 1, far=ROWS["far"] + 3)


def test_the_worst_variables_come_first_and_insufficient_ones_before_ok() -> None:
    assert [(card.anchor, card.drift.verdict) for card in MIXED.cards] == [
        ("feature:far", "drift"),
        ("feature:moved", "drift"),
        ("output:score", "insufficient"),
        ("feature:Calm", "ok"),
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (MIXED, "Drift in 2 of 4 variables: far, moved."),
        (
            report(Calm=ROWS["Calm"]),
            (f"No drift in 1 of 4 variables. Not enough data for 3. {CHANGED} moved, far."),
        ),
        (report(Calm=[1.0]), f"Not enough data for a verdict. {CHANGED} moved, far."),
        (
            report(**{name: values + 3 for name, values in ROWS.items()}, score=ROWS["Calm"] + 3),
            "Drift in 4 of 4 variables: {} and 1 more.",
        ),
    ],
)
def test_the_verdict_in_a_sentence(found: Report, words: str) -> None:
    first = ", ".join(each.name for each in found.comparison.drifted[:3])
    assert found.words == words.format(first)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), ["far", "moved", "score", "Calm"]),
        (Choice(text="CALM"), ["Calm"]),
        (Choice(role="output"), ["score"]),
        (Choice(verdict="drift"), ["far", "moved"]),
        (Choice(text="a", verdict="drift"), ["far"]),
        (Choice(variable="feature:moved", text="not looked at"), ["moved"]),
        (Choice(variable="moved"), []),
    ],
)
def test_a_choice_takes_cards(choice: Choice, names: list[str]) -> None:
    assert [card.drift.name for card in MIXED.chosen(choice)] == names


def shown(choice: Choice, base: str = "/drift") -> str:
    return page_html(MIXED, choice, base=base, window="1h", windows=[("1h", "last hour")]).decode()


def test_the_page_links_to_more_cards_if_some_are_not_shown() -> None:
    page = shown(Choice(limit=3, text="a"))
    assert "Show more" not in page
    page = shown(Choice(limit=1, verdict="drift"))
    assert page.count("<article") == 1
    assert 'href="/drift?window=1h&amp;verdict=drift&amp;limit=51">Show more: 1 of 2 ' in page


def test_the_report_is_one_file() -> None:
    page = report_html(MIXED)
    assert page.count("<article") == 4
    assert "<style>" in page
    assert [text for text in ("<script", "<link", "href=", "src=", "url(") if text in page] == []


def test_a_trend_shows_multiples_of_the_critical_value_for_each_hours_rows() -> None:
    hours = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in range(3)]
    psi = np.array([[0.1, np.nan, 0.1, 0.1], [0.2, 0.1, 0.1, 0.1], [0.4, np.nan, 0.1, 0.1]])
    ks = np.array([[0.01, np.nan, 0.1, 0.1], [0.9, 0.1, 0.1, 0.1], [0.01, np.nan, 0.1, 0.1]])
    scale = np.full((3, 4), 1 / 1000 + 1 / 100)
    comparison = MIXED.comparison
    tallies = [tally for _, tally in comparison.counts]
    found = report_of(BASELINE, tallies, comparison, "now", trend=Trend(hours, psi, ks, scale))
    trends = {card.drift.name: card.trend for card in found.cards}
    # The comparison has 1,000 rows on either side.
    quantile = comparison.variables[0].critical / (2 / 1000)
    critical = quantile * (1 / 1000 + 1 / 100)
    ks_critical = comparison.variables[0].ks_critical / np.sqrt(2 / 1000) * np.sqrt(scale[0, 0])
    by_ks = (0.9 / ks_critical) ** 2
    assert trends["Calm"] == pytest.approx([0.1 / critical, by_ks, 0.4 / critical])
    assert trends["score"] == []
    page = report_html(found)
    assert page.count('<svg class="trend"') == 2  # a single hour is not drawn
    assert page.count("<figcaption><span>2026-11-23 00:00 UTC</span> ") == 2


def test_a_card_says_whether_each_statistic_is_above_its_critical_value() -> None:
    quantiles = np.sort(ROWS["Calm"])[np.arange(0, 1000, 3)]
    found = report(Calm=quantiles + 0.42)
    (card,) = found.chosen(Choice(text="Calm"))
    assert (card.drift.verdict, card.drift.above) == ("drift", ("K-S",))
    page = page_html(found, Choice(text="Calm"), base="/drift", window="", windows=[]).decode()
    psi, ks, rows = re.findall("<dt>(PSI|K-S|rows)</dt>(.+?)</div>", page)
    numbers = [f"{each:.4g}" for each in (card.drift.psi, card.drift.critical)]
    assert psi[1] == '<dd>{}</dd><dd class="side">below critical {}</dd>'.format(*numbers)
    numbers = [f"{each:.4g}" for each in (card.drift.ks, card.drift.ks_critical)]
    assert ks[1] == '<dd>{}</dd><dd class="side">above critical {}</dd>'.format(*numbers)
    assert rows[1] == "<dd>334</dd>"
    assert page.count('<div class="above">') == 1
    ticket = ticket_svg(card, found)
    assert f"critical {card.drift.critical:.4g}; K-S {numbers[0]}, critical {numbers[1]}<" in ticket


def test_changed_rates_come_after_drift_and_are_named() -> None:
    gone = np.where(np.arange(1000) % 3 == 0, np.nan, ROWS["moved"])
    found = report(Calm=ROWS["Calm"], moved=gone, far=ROWS["far"] + 3, score=ROWS["Calm"])
    assert [card.drift.name for card in found.cards][:2] == ["far", "moved"]
    assert found.words == f"Drift in 1 of 4 variables: far. {CHANGED} moved."
