"""The report on a comparison: a summary in sentences, and one card per variable, by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from boxkite.baseline import Baseline
from boxkite.drift import Comparison
from boxkite.report.trend import Trend
from boxkite.report.variable_card import Card

__all__ = ["Choice", "Report", "report_of"]

_NAMES_SHOWN = 3


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
        [pair for pair in comparison.worst_segments if pair[1].has_rows],
    )


def _multiples(trend: Trend | None, place: int) -> list[float]:
    """Return the trend of one variable; empty if no hour has a multiple."""
    if trend is None or np.isnan(trend.multiples[:, place]).all():
        return []
    multiples: list[float] = trend.multiples[:, place].tolist()
    return multiples
