"""Contents of the drift page and of reports: a summary, and one card per variable, worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, Variable
from boxkite.baseline.tally import Tally
from boxkite.drawing.shapes import Bar, bars
from boxkite.drift import Comparison, VariableDrift
from boxkite.report.trend import Trend

__all__ = ["Card", "Choice", "Report", "report_of"]

Integers: TypeAlias = NDArray[np.int64]

# Variables with a changed rate come between drift and insufficient data.
_ORDER = {"drift": 0, "insufficient": 2, "ok": 3}
_CHANGED_RATE = 1
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Card:
    """One variable, with everything that its card shows.

    Attributes:
        drift: Statistics and verdict.
        variable: Variable with its training counts.
        live: Live counts of the same cells.
        trend: `VariableDrift.multiple` of each hour that is kept, relative to the critical value
            for that hour's rows. Hours with too few rows are NaN.
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
    def judged(self) -> bool:
        """Whether the statistics have critical values."""
        return not math.isnan(self.drift.critical)

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
        verdict: Verdict on the variable; empty for any.
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
            and self.verdict in ("", card.drift.verdict)
        )


@dataclass(frozen=True)
class Report:
    """A comparison, with everything that a page or file shows about it.

    Attributes:
        comparison: Comparison of all variables.
        cards: One card per variable, worst first.
        rows: Number of training rows.
        subject: Description of the live rows, such as "in the last hour".
        since: Start of the live rows; None if unknown.
        hours: Start of each hour in the cards' trends.
        made: Time at which the report was made.
    """

    comparison: Comparison
    cards: list[Card]
    rows: int
    subject: str
    since: datetime | None = None
    hours: list[datetime] = field(default_factory=list[datetime])
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def chosen(self, choice: Choice) -> list[Card]:
        """Return the cards that a choice includes, in order, ignoring its limit."""
        return [card for card in self.cards if choice.takes(card)]

    def number(self, verdict: str) -> int:
        """Return the number of variables with a verdict."""
        return sum(card.drift.verdict == verdict for card in self.cards)

    @property
    def words(self) -> str:
        """Verdict as a sentence, followed by a second one if rates have changed."""
        changed = [card.drift.name for card in self.cards if card.drift.changed_rates]
        if not changed:
            return self._verdict
        named = _listed(changed)
        return f"{self._verdict} The rate of missing, unseen or invalid rows changed in {named}."

    @property
    def _verdict(self) -> str:
        if not self.cards:
            return "There is no baseline to compare with."
        if not self.comparison.predictions:
            return f"No predictions {self.subject}."
        drifted = [each.name for each in self.comparison.drifted]
        if drifted:
            return f"Drift in {len(drifted)} of {self._variables}: {_listed(drifted)}."
        if not self.number("ok"):
            return "Not enough data for a verdict."
        unknown = self.number("insufficient")
        rest = f" Not enough data for {unknown}." if unknown else ""
        return f"No drift in {self.number('ok')} of {self._variables}.{rest}"

    @property
    def _variables(self) -> str:
        return f"{len(self.cards):,} variable{'s' if len(self.cards) != 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    """Return the first few names, with the number of the others."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if names[_NAMES_SHOWN:] else shown


def report_of(
    baseline: Baseline,
    tallies: Sequence[Tally],
    comparison: Comparison,
    subject: str,
    *,
    since: datetime | None = None,
    trend: Trend | None = None,
) -> Report:
    """Return the report on a comparison.

    Args:
        baseline: Baseline of the comparison.
        tallies: Live counts, one tally for each of the baseline's variables.
        comparison: Comparison of the two.
        subject: Description of the live rows, such as "in the last hour".
        since: Start of the live rows.
        trend: Statistics of each hour that is kept.
    """
    cards = [
        Card(drift, variable, tally.cells, _multiples(trend, place, drift, variable))
        for place, (drift, variable, tally) in enumerate(
            zip(comparison, baseline.variables, tallies, strict=True)
        )
    ]
    cards.sort(key=lambda card: (_rank(card.drift), -card.drift.multiple if card.judged else 0.0))
    hours = [] if trend is None else trend.hours
    return Report(comparison, cards, baseline.rows, subject, since, hours)


def _rank(drift: VariableDrift) -> int:
    """Return the rank of a variable: drift first, then changed rates, then too little data."""
    if drift.changed_rates and drift.verdict != "drift":
        return _CHANGED_RATE
    return _ORDER[drift.verdict]


def _multiples(
    trend: Trend | None, place: int, drift: VariableDrift, variable: Variable
) -> list[float]:
    """Return each hour's distance from training as a multiple of its critical value.

    The critical values of the whole are rescaled from its number of rows to each hour's.
    """
    if trend is None or not drift.rows or math.isnan(drift.critical):
        return []
    scale = trend.scale[:, place] / (1 / int(variable.counts.sum()) + 1 / drift.rows)
    psi = trend.psi[:, place] / (drift.critical * scale)
    ks = trend.ks[:, place] ** 2 / (drift.ks_critical**2 * scale)
    # Categories have no K-S: `fmax` ignores its NaN.
    multiples: list[float] = np.fmax(psi, ks).tolist()
    return multiples
