"""Cards: their order, the choice among them, and the verdict as a sentence."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from boxkite import Baseline, Policy, compare
from boxkite.report.drift_report import Choice, Report, report_of
from boxkite.report.rendering import page_html, report_html
from boxkite.report.ticket import ticket_svg
from boxkite.report.trend import Trend

RANDOM = np.random.default_rng(1)
ROWS = {name: RANDOM.normal(size=1000) for name in ("Calm", "moved", "far")}
BASELINE = Baseline.fit(ROWS, {"score": ROWS["Calm"]}, model="m", version="7")


def report(**live: object) -> Report:
    comparison = compare(BASELINE, live)
    return report_of(BASELINE, comparison, "in July")


CHANGED = "Changed rates:"
UNKNOWN = "Not enough data for 1 of 4 variables."
MIXED = report(Calm=ROWS["Calm"], moved=ROWS["moved"] + 1, far=ROWS["far"] + 3)


def test_the_largest_changes_come_first_and_insufficient_data_last() -> None:
    assert [(card.anchor, card.drift.status) for card in MIXED.cards] == [
        ("feature:far", "drift"),
        ("feature:moved", "drift"),
        ("feature:Calm", "ok"),
        ("output:score", "insufficient"),
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            MIXED,
            f"Drift in 2 of 4 variables in July: far, moved. {CHANGED} far (outside). {UNKNOWN}",
        ),
        (
            report(Calm=ROWS["Calm"]),
            (
                f"No drift in 1 of 4 variables in July. {CHANGED} moved (missing), far (missing). "
                f"{UNKNOWN}"
            ),
        ),
        (
            report(Calm=[1.0]),
            (
                "Changed rates in July: moved (missing), far (missing). Not enough data for 2 of 4 "
                "variables. A verdict needs 100 rows of a variable."
            ),
        ),
        (
            report(**{name: values + 3 for name, values in ROWS.items()}, score=ROWS["Calm"] + 3),
            (
                f"Drift in 4 of 4 variables in July: {{}} and 1 more. {CHANGED} far (outside), "
                "Calm (outside), score (outside) and 1 more."
            ),
        ),
        (
            report(**{name: values[:3] for name, values in ROWS.items()}, score=ROWS["Calm"][:3]),
            "Not enough data for a verdict in July. A verdict needs 100 rows of a variable.",
        ),
    ],
)
def test_the_verdict_in_a_sentence(found: Report, words: str) -> None:
    first = ", ".join(each.name for each in found.comparison.drifted[:3])
    assert found.words == words.format(first, first)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), ["far", "moved", "Calm", "score"]),
        (Choice(text="CALM"), ["Calm"]),
        (Choice(role="output"), ["score"]),
        (Choice(verdict="drift"), ["far", "moved"]),
        (Choice(verdict="insufficient"), ["score"]),
        (Choice(verdict="changed rate"), []),
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


def test_a_trend_is_drawn_if_two_hours_have_a_multiple() -> None:
    hours = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in range(3)]
    none = np.nan
    trend = Trend(hours, np.array([[0.5, none, 1, none], [3, 2, 1, none], [0.4, none, 1, none]]))
    comparison = MIXED.comparison
    found = report_of(BASELINE, comparison, "now", trend=trend)
    trends = {card.drift.name: card.trend for card in found.cards}
    assert (trends["Calm"], trends["score"]) == ([0.5, 3, 0.4], [])
    page = report_html(found)
    assert page.count('<svg class="trend"') == 2  # a single hour is not drawn
    assert page.count('<p class="ends"><span>2026-11-23 00:00 UTC</span> ') == 2


def test_a_card_says_whether_each_statistic_is_above_its_critical_value() -> None:
    quantiles = np.sort(ROWS["Calm"])[np.arange(0, 1000, 3)]
    found = report(Calm=quantiles + 0.42)
    (card,) = found.chosen(Choice(text="Calm"))
    assert (card.drift.verdict, card.drift.above) == ("drift", ("K-S",))
    page = page_html(found, Choice(text="Calm"), base="/drift", window="", windows=[]).decode()
    psi, ks, rows = re.findall("<dt>(PSI|K-S|rows)</dt>(.+?)</div>", page)
    numbers = [f"{each:.3g}" for each in (card.drift.psi, card.drift.critical)]
    assert psi[1].startswith(
        '<dd>{}</dd><dd class="side">below threshold {}</dd><dd class="bars"><svg '.format(*numbers)
    )
    numbers = [f"{each:.3g}" for each in (card.drift.ks, card.drift.ks_critical)]
    assert ks[1].startswith(
        '<dd>{}</dd><dd class="side">above threshold {}</dd><dd class="bars"><svg '.format(*numbers)
    )
    assert rows[1] == "<dd>334</dd>"
    assert page.count('<div class="above">') == 1
    ticket = ticket_svg(card, found)
    drift = card.drift
    assert (
        f"threshold {drift.critical:.4g}; K-S {drift.ks:.4g}, threshold {drift.ks_critical:.4g}<"
        in ticket
    )


def test_changed_rates_are_sorted_by_size_with_drift_and_named() -> None:
    gone = np.where(np.arange(1000) % 3 == 0, np.nan, ROWS["moved"])
    found = report(Calm=ROWS["Calm"], moved=gone, far=ROWS["far"] + 0.4, score=ROWS["Calm"])
    assert [(card.drift.name, card.drift.status) for card in found.cards][:2] == [
        ("moved", "changed rate"),
        ("far", "drift"),
    ]
    assert found.words == f"Drift in 1 of 4 variables in July: far. {CHANGED} moved (missing)."
    page = report_html(found)
    assert page.count('<article class="card critical"') == 1
    assert page.count('<article class="card warning"') == 1
    assert '<strong class="verdict">changed rate, critical</strong>' in page
    assert '<p class="finding">33.4 % of rows have no value (0 % at training)</p>' in page
    ticket = ticket_svg(found.cards[0], found)
    assert ">changed rate, critical</text>" in ticket
    assert ">33.4 % of rows have no value (0 % at training)</text>" in ticket


def test_card_and_ticket_begin_with_the_effect_and_the_severity() -> None:
    (card,) = MIXED.chosen(Choice(text="moved"))
    assert card.drift.severity == "critical"
    page = report_html(MIXED)
    assert '<strong class="verdict">drift, critical</strong>' in page
    assert f'<p class="finding">{card.drift.effect}</p>' in page
    assert card.drift.effect.startswith(
        "36.6 % of rows moved up (20.1 % to values above 1.71), and "
    )
    lines = re.findall(">([^<>]+)</text>", ticket_svg(card, MIXED))
    assert card.drift.effect in " ".join(lines)  # wrapped


def test_with_few_rows_card_and_ticket_say_how_many_a_verdict_needs() -> None:
    few = report(**{name: values[:3] for name, values in ROWS.items()})
    (card,) = few.chosen(Choice(text="Calm"))
    page = page_html(few, Choice(text="Calm"), base="/drift", window="", windows=[]).decode()
    assert '<dd>3</dd><dd class="side">a verdict needs 100</dd>' in page
    assert ">3 rows, 100 needed</text>" in ticket_svg(card, few)
    # Nothing may look like drift: neither a statistic nor a threshold.
    assert [text for text in (page, ticket_svg(card, few)) if "PSI 0" in text] == []
    assert "threshold " not in page[page.index("<article") : page.index("</article")]


def test_the_reason_stands_on_card_and_ticket_if_more_rows_would_not_help() -> None:
    baseline = Baseline.fit({"few": ROWS["Calm"][:8], "many": ROWS["far"][:8]})
    found = report_of(baseline, compare(baseline, {"few": ROWS["Calm"]}), "now")
    (card,) = found.chosen(Choice(text="few"))
    assert '<p class="finding">8 training rows, 10 needed</p>' in report_html(found)
    assert ">8 training rows, 10 needed</text>" in ticket_svg(card, found)


def test_a_difference_that_is_too_small_to_matter_is_remarked() -> None:
    live = {name: values + 0.4 for name, values in ROWS.items()}
    comparison = compare(BASELINE, live, policy=Policy(min_effect=9, min_moved=1))
    found = report_of(BASELINE, comparison, "in July")
    (card,) = found.chosen(Choice(text="Calm"))
    assert card.drift.verdict == "ok"
    (sentence,) = card.sentences
    assert sentence.casefold() == card.drift.below_floor.casefold()
    assert sentence in report_html(found)
    first, *_ = sentence.split(": PSI")
    assert f">{first}" in ticket_svg(card, found)


@pytest.mark.parametrize(
    ("live", "tone"),
    [
        ({"score": ROWS["Calm"]}, "critical"),
        (ROWS, "ok"),
        ({**ROWS, "Calm": ROWS["Calm"] + 0.4}, "warning"),
        ({**ROWS, "Calm": [0.0] * 1000}, "critical"),
        ({name: values[:3] for name, values in ROWS.items()}, "insufficient"),
    ],
)
def test_the_summary_is_coloured_by_the_verdict(live: dict[str, object], tone: str) -> None:
    assert report(**live).tone == tone


def test_the_summary_is_not_green_if_most_is_unknown() -> None:
    columns = {f"x{i}": [None] * 990 + [1.0] * 10 for i in range(3)}
    known = {"y": ROWS["Calm"]}
    baseline = Baseline.fit({**columns, **known})
    comparison = compare(baseline, {**{name: [None] * 1000 for name in columns}, **known})
    found = report_of(baseline, comparison, "now")
    assert (comparison.verdict, found.tone) == ("ok", "insufficient")
