"""What is shown of a comparison: a summary, and a card for each variable, the worst first."""

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

_ORDER = {"drift": 0, "insufficient": 2, "ok": 3}


@dataclass(frozen=True)
class Card:
    """One variable.

    Attributes:
        drift: its statistics and verdict.
        variable: with its counts at training.
        live: counts in the same cells.
        trend: `VariableDrift.multiple` of each hour that is kept, by what is critical for the rows
            of that hour; NaN where there were too few.
    """

    drift: VariableDrift
    variable: Variable
    live: Integers
    trend: list[float]

    @property
    def bars(self) -> list[Bar]:
        """The two distributions, bin by bin or category by category."""
        return bars(self.variable, self.live)

    @property
    def cells(self) -> list[Bar]:
        """All cells in the order of the bars, also those that have none."""
        return bars(self.variable, self.live, most_categories=len(self.variable.counts))

    @property
    def hidden(self) -> int:
        """How many categories have no bars."""
        return len(self.variable.counts) - len(self.bars)

    @property
    def trained_missing(self) -> float:
        """The fraction of missing rows at training."""
        return self.variable.missing / max(self.variable.rows, 1)

    @property
    def judged(self) -> bool:
        """Whether there are critical values to stand beside."""
        return not math.isnan(self.drift.critical)

    @property
    def anchor(self) -> str:
        """The variable's role and name, as a link to it has them."""
        return f"{self.drift.role}:{self.drift.name}"


@dataclass(frozen=True)
class Choice:
    """Which cards are asked for.

    Attributes:
        text: that the name holds, in any case.
        role: of the variable; empty for all.
        verdict: of the variable; empty for all.
        variable: the one card to show, by its anchor; empty for all.
        limit: the most cards.
    """

    text: str = ""
    role: str = ""
    verdict: str = ""
    variable: str = ""
    limit: int = 50

    def takes(self, card: Card) -> bool:
        """Tell whether a card is asked for."""
        if self.variable:
            return card.anchor == self.variable
        return (
            self.text.casefold() in card.drift.name.casefold()
            and self.role in ("", card.drift.role)
            and self.verdict in ("", card.drift.verdict)
        )


@dataclass(frozen=True)
class Report:
    """A comparison with all that is drawn of it.

    Attributes:
        comparison: of the whole.
        cards: of all variables, the worst first.
        rows: of the training.
        subject: what was compared, in words, as "in the last hour".
        since: when the live side begins; None where it is not known.
        hours: at which the trends' stretches begin.
        made: when it was.
    """

    comparison: Comparison
    cards: list[Card]
    rows: int
    subject: str
    since: datetime | None = None
    hours: list[datetime] = field(default_factory=list)
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def chosen(self, choice: Choice) -> list[Card]:
        """Return the cards that are asked for, in their order and without regard to the limit."""
        return [card for card in self.cards if choice.takes(card)]

    def number(self, verdict: str) -> int:
        """Return how many variables have a verdict."""
        return sum(card.drift.verdict == verdict for card in self.cards)

    @property
    def words(self) -> str:
        """The verdict in a sentence, and a second one where rates have changed."""
        changed = [card.drift.name for card in self.cards if card.drift.changed_rates]
        if not changed:
            return self._verdict
        named = _listed(changed)
        return f"{self._verdict} Missing, unseen or invalid rows have changed: {named}."

    @property
    def _verdict(self) -> str:
        if not self.cards:
            return "There is no baseline to compare with."
        if not self.comparison.predictions:
            return f"No predictions {self.subject}."
        drifted = [each.name for each in self.comparison.drifted]
        if drifted:
            return f"Drift in {len(drifted)} of {self._variables}: {_listed(drifted)}."
        if self.comparison.verdict == "insufficient":
            return "There are too few rows to tell."
        unknown = self.number("insufficient")
        rest = f" For {unknown} there are too few rows to tell." if unknown else ""
        return f"No drift in {self.number('ok')} of {self._variables}.{rest}"

    @property
    def _variables(self) -> str:
        return f"{len(self.cards):,} variable{'s' if len(self.cards) != 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def report_of(
    baseline: Baseline,
    tallies: Sequence[Tally],
    comparison: Comparison,
    subject: str,
    *,
    since: datetime | None = None,
    trend: Trend | None = None,
) -> Report:
    """Return what is shown of a comparison.

    Args:
        baseline: one side.
        tallies: the other, for each of the baseline's variables.
        comparison: of the two.
        subject: what the other side is, in words.
        since: when the other side begins.
        trend: how it went.
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
    """Return what comes first: drift, then changed rates, then what cannot be told."""
    return 1 if drift.changed_rates and drift.verdict != "drift" else _ORDER[drift.verdict]


def _multiples(
    trend: Trend | None, place: int, drift: VariableDrift, variable: Variable
) -> list[float]:
    """Return each hour's multiple of what is critical, by the quantiles of the whole."""
    if trend is None or not drift.rows or math.isnan(drift.critical):
        return []
    scale = trend.scale[:, place] / (1 / int(variable.counts.sum()) + 1 / drift.rows)
    psi = trend.psi[:, place] / (drift.critical * scale)
    ks = trend.ks[:, place] ** 2 / (drift.ks_critical**2 * scale)
    multiples: list[float] = np.fmax(psi, ks).tolist()
    return multiples
