"""Contents of the drift page and of reports: a summary, and one card per variable, by size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, Variable
from boxkite.drawing.shapes import Bar, bars
from boxkite.drift import Comparison, VariableDrift
from boxkite.drift.variable_drift import DriftTest
from boxkite.report.trend import Trend

__all__ = ["VERDICT_WORDS", "Card", "Choice", "Report", "report_of"]

Integers: TypeAlias = NDArray[np.int64]

_NAMES_SHOWN = 3
_MAIN = ("PSI", "K-S")
VERDICT_WORDS = {"insufficient": "not enough data"}
"""Verdicts that people read in other words than programs."""


@dataclass(frozen=True)
class Card:
    """One variable, with everything that its card shows.

    Attributes:
        drift: Statistics and verdict.
        variable: Variable with its training counts.
        live: Live counts of the same cells.
        trend: `VariableDrift.multiple` of each hour that is kept. Hours with too few rows are NaN.
    """

    drift: VariableDrift
    variable: Variable
    live: Integers
    trend: list[float]

    @property
    def bars(self) -> list[Bar]:
        """Bars of both distributions. If there are many categories, only the most common ones."""
        return bars(self.variable, self.live)

    @property
    def cells(self) -> list[Bar]:
        """All cells in the order of the bars, including those without a bar."""
        return bars(self.variable, self.live, most_categories=len(self.variable.counts))

    @property
    def hidden(self) -> int:
        """Number of categories without a bar."""
        return len(self.variable.counts) - len(self.bars)

    @property
    def trained_missing(self) -> float:
        """Fraction of missing rows at training."""
        return self.variable.missing / max(self.variable.rows, 1)

    @property
    def is_cut(self) -> bool:
        """Whether the axis is cut in some bins."""
        return any(each.is_cut for each in self.bars)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to say about the variable, the most important first."""
        found = self.drift.findings or ("no larger difference than chance explains",)
        return tuple(f"{each[0].upper()}{each[1:]}" for each in found)

    @property
    def tone(self) -> str:
        """What the card is coloured by: `critical`, `warning`, `ok` or `insufficient`."""
        return self.drift.severity or self.drift.verdict

    @property
    def verdict(self) -> str:
        """The verdict in words, with the severity: "drift, critical" or "not enough data"."""
        status = VERDICT_WORDS.get(self.drift.status, self.drift.status)
        return f"{status}, {self.drift.severity}" if self.drift.severity else status

    @property
    def progress(self) -> float:
        """Fraction of the rows that a verdict needs; NaN if more rows would not help."""
        drift = self.drift
        if drift.verdict != "insufficient" or drift.rows >= drift.rows_needed:
            return math.nan
        return drift.rows / drift.rows_needed

    @property
    def tests(self) -> dict[str, DriftTest]:
        """The statistics to show, with their thresholds.

        With too few rows, a statistic says nothing. The excess of one cell, and the scores, are
        shown only if they are above their thresholds.
        """
        tests = self.drift.tests
        if self.progress == self.progress:
            return {}
        if self.drift.verdict == "insufficient":
            tests = {name: DriftTest(each.value) for name, each in tests.items()}
        return {
            name: each
            for name, each in tests.items()
            if name in self.drift.above or (name in _MAIN and not math.isnan(each.value))
        }

    @property
    def anchor(self) -> str:
        """Role and name, such as `feature:age`, which links use."""
        return f"{self.drift.role}:{self.drift.name}"


@dataclass(frozen=True)
class Choice:
    """Cards that a reader asked for.

    Attributes:
        text: Part of the variable's name, in any case.
        role: Role of the variable; empty for any.
        verdict: `VariableDrift.status` of the variable; empty for any.
        variable: Anchor of a single card; empty for all cards. It overrides the other fields.
        limit: Greatest number of cards to show.
    """

    text: str = ""
    role: str = ""
    verdict: str = ""
    variable: str = ""
    limit: int = 50

    def takes(self, card: Card) -> bool:
        """Return whether the choice includes a card."""
        if self.variable:
            return card.anchor == self.variable
        return (
            self.text.casefold() in card.drift.name.casefold()
            and self.role in ("", card.drift.role)
            and self.verdict in ("", card.drift.status)
        )


@dataclass(frozen=True)
class Report:
    """A comparison, with everything that a page or file shows about it.

    Attributes:
        comparison: Comparison of all variables, in all rows or in the segment.
        cards: One card per variable, in the order of `Comparison.by_size`.
        rows: Number of training rows.
        subject: Description of the live rows, such as "in the last hour".
        since: Start of the live rows; None if unknown.
        hours: Start of each hour in the cards' trends.
        note: Remark on the window; empty for none.
        segment: Label of the segment that the cards show; empty for all rows.
        segments: Label and comparison of each segment, the largest change first.
        made: Time at which the report was made.
    """

    comparison: Comparison
    cards: list[Card]
    rows: int
    subject: str
    since: datetime | None = None
    hours: list[datetime] = field(default_factory=list[datetime])
    note: str = ""
    segment: str = ""
    segments: Sequence[tuple[str, Comparison]] = ()
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def chosen(self, choice: Choice) -> list[Card]:
        """Return the cards that a choice includes, in order, ignoring its limit."""
        return [card for card in self.cards if choice.takes(card)]

    def number(self, status: str) -> int:
        """Return the number of variables with a `VariableDrift.status`."""
        return sum(card.drift.status == status for card in self.cards)

    @property
    def tone(self) -> str:
        """What the summary is coloured by: `critical`, `warning`, `ok` or `insufficient`.

        If there is not enough data for most variables, a green `ok` would say too much.
        """
        if self.comparison.verdict == "ok" and self.number("insufficient") > self.number("ok"):
            return "insufficient"
        return self.comparison.severity or self.comparison.verdict

    @property
    def words(self) -> str:
        """The verdict as a text."""
        return " ".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The verdict in sentences: drift, changed rates and what is not known.

        If most variables have not enough data, that comes first.
        """
        if not self.cards:
            return ["There is no baseline to compare with."]
        if not self.comparison.predictions:
            return [f"No predictions {self.subject}."]
        sentences: list[str] = []

        def say(what: str, names: Sequence[str] = ()) -> None:
            """Add a sentence, with the window if it is the first one."""
            when = "" if sentences else f" {self.subject}"
            sentences.append(f"{what}{when}{': ' if names else ''}{_listed(names)}.")

        if self.tone == "insufficient":
            say("Not enough data for " + (self._unknown if self._is_known else "a verdict"))
        drifted = [card.drift.name for card in self.cards if card.drift.verdict == "drift"]
        if drifted:
            say(f"Drift in {len(drifted)} of {self._variables}", drifted)
        elif self.number("ok"):
            say(f"No drift in {self.number('ok')} of {self._variables}")
        changed = [card.drift for card in self.cards if card.drift.changed_rates]
        if changed:
            say("Changed rates", [f"{x.name} ({', '.join(x.changed_rates)})" for x in changed])
        if not self.segment and (worst := self.changed_segments):
            say(f"Changes in {len(worst)} of {len(self.segments)} segments", worst)
        if self.tone != "insufficient" and self.number("insufficient"):
            say(f"Not enough data for {self._unknown}")
        return [*sentences, *self._needed()]

    @property
    def _is_known(self) -> bool:
        """Whether there is a verdict on any variable."""
        return any(card.drift.status != "insufficient" for card in self.cards)

    @property
    def _unknown(self) -> str:
        return f"{self.number('insufficient')} of {self._variables}"

    def _needed(self) -> list[str]:
        """Return a sentence on how many rows a verdict needs, if more rows would help."""
        needed = sorted(card.drift.rows_needed for card in self.cards if card.progress < 1)
        if not needed:
            return []
        least, most = f"{needed[0]:,}", f"{needed[-1]:,}"
        rows = least if least == most else f"{least} to {most}"
        return [f"A verdict needs {rows} rows of a variable."]

    @property
    def changed_segments(self) -> list[str]:
        """Labels of the segments with a change, the largest first."""
        return [label for label, each in self.segments if each.verdict == "drift"]

    @property
    def _variables(self) -> str:
        return f"{len(self.cards):,} variable{'s' if len(self.cards) != 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    """Return the first few names, with the number of the others."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if names[_NAMES_SHOWN:] else shown


def report_of(
    baseline: Baseline,
    comparison: Comparison,
    subject: str,
    *,
    segment: str = "",
    since: datetime | None = None,
    trend: Trend | None = None,
    note: str = "",
) -> Report:
    """Return the report on a comparison.

    Args:
        baseline: Baseline of the comparison.
        comparison: Comparison with the baseline, as `compare_counts` returns it.
        subject: Description of the live rows, such as "in the last hour".
        segment: Label of the segment to show, which the comparison must have; empty for all rows.
        since: Start of the live rows.
        trend: Distances of each hour that is kept, in the same rows.
        note: Remark on the window.
    """
    shown = comparison.of_segment(segment)
    cards = [
        Card(drift, variable, tally.cells, _multiples(trend, place))
        for place, (drift, (variable, tally)) in enumerate(zip(shown, shown.counts, strict=True))
    ]
    cards.sort(key=lambda card: card.drift.order)
    return Report(
        shown,
        cards,
        baseline.segment(segment).rows if segment else baseline.rows,
        subject,
        since,
        [] if trend is None else trend.hours,
        note,
        segment,
        [pair for pair in comparison.worst_segments if _has_rows(pair[1])],
    )


def _has_rows(segment: Comparison) -> bool:
    """Return whether a segment has rows, live or at training.

    A baseline also has segments for rarer and for missing values, which may never occur.
    """
    return bool(segment.predictions) or any(variable.rows for variable, _ in segment.counts)


def _multiples(trend: Trend | None, place: int) -> list[float]:
    """Return the trend of one variable; empty if no hour has a multiple."""
    if trend is None or np.isnan(trend.multiples[:, place]).all():
        return []
    multiples: list[float] = trend.multiples[:, place].tolist()
    return multiples
