"""Compare the quality of a model with its quality at training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from boxkite.quality.estimate import EstimatedStatistic
from boxkite.quality.measure import measure
from boxkite.quality.pairs import Outcomes
from boxkite.quality.quality_html import QUALITY_STYLE, quality_html
from boxkite.quality.quality_policy import QualityPolicy
from boxkite.quality.quality_verdict import QualityChange, QualityVerdict, judge
from boxkite.quality.statistic import QualityStatistic

__all__ = ["DEFAULT_HOURS", "Quality", "compare_outcomes"]

DEFAULT_HOURS = 24.0
"""Length of time that rows cover if nothing else is said."""


@dataclass(frozen=True)
class Quality:
    """The quality of a model, next to its quality at training.

    Attributes:
        rows: Number of predictions with a valid output and outcome.
        unpaired: Number of predictions with a label that were left out, because the output or the
            outcome is missing or invalid.
        changes: Each statistic now and at training.
        estimated: Estimates from the scores of all predictions, with and without outcomes. Empty if
            the model returns no single probability, or training had no outcomes.
        outcomes: The paired rows, for pictures.
    """

    rows: int
    unpaired: int
    changes: tuple[QualityChange, ...]
    estimated: tuple[EstimatedStatistic, ...] = ()
    outcomes: Outcomes | None = field(default=None, repr=False, compare=False)

    @property
    def verdict(self) -> QualityVerdict:
        """`worse` if any statistic is, otherwise `ok` if any is, otherwise `insufficient`."""
        found = {each.verdict for each in self.changes}
        return "worse" if "worse" in found else "ok" if "ok" in found else "insufficient"

    @property
    def order(self) -> tuple[bool, float, int]:
        """Key that sorts segments: worse ones first, then by the change in floors, then by rows."""
        changes = [
            abs(each.difference) / each.floor
            for each in self.changes
            if each.verdict == "worse" and each.floor > 0
        ]
        return self.verdict != "worse", -max(changes, default=0.0), -self.rows

    @property
    def summary(self) -> str:
        """Number of judged statistics by verdict: "2 worse, 4 ok, 1 not enough data"."""
        found = Counter(each.verdict for each in self.changes)
        parts = {
            "worse": found["worse"],
            "ok": found["ok"],
            "not enough data": found["insufficient"],
        }
        return ", ".join(f"{number} {name}" for name, number in parts.items() if number)

    def __iter__(self) -> Iterator[QualityChange]:
        return iter(self.changes)

    def _repr_html_(self) -> str:
        """Return tables and charts for notebooks."""
        return f"{QUALITY_STYLE}{quality_html(self)}"

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold, with None in place of NaN."""
        return {
            "rows": self.rows,
            "unpaired": self.unpaired,
            "statistics": [_change_fields(each) for each in self.changes],
            "estimated": [{"name": each.name, **_interval_fields(each)} for each in self.estimated],
            "summary": self.summary,
            "verdict": self.verdict,
        }


def _change_fields(change: QualityChange) -> dict[str, Any]:
    now = change.now
    return {
        "name": now.name,
        "output": now.output,
        "category": now.category,
        "rows": now.rows,
        **_interval_fields(now),
        "bound": now.bound,
        "at_training": None if change.before is None else _interval_fields(change.before),
        "change": _finite(change.difference),
        "threshold": _finite(change.threshold),
        "floor": _finite(change.floor),
        "verdict": change.verdict,
        "reason": change.reason or now.reason,
    }


def _interval_fields(statistic: QualityStatistic | EstimatedStatistic) -> dict[str, float | None]:
    return {name: _finite(each) for name, each in statistic.interval._asdict().items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def compare_outcomes(
    now: Outcomes,
    training: Outcomes | None = None,
    *,
    policy: QualityPolicy | None = None,
    window: str | None = None,
    hours: float = DEFAULT_HOURS,
    sliding: bool = False,
    parts: int = 1,
) -> Quality:
    """Compare paired rows with those of training.

    Args:
        now: Paired rows to judge.
        training: Paired rows of training (`Baseline.outcomes`); None if training had none.
        policy: Allowed false alarms, and smallest change that matters; the default policy if None.
        window: Length of time that the rows cover, such as "7d". The comparison allows for the
            natural variation between windows of this length, if training knows it.
        hours: Length of time that the rows cover, in hours. It determines the share of the allowed
            false alarms.
        sliding: Whether `window` is a window of the policy that slides and is judged all the time,
            as in Prometheus. It then determines the share instead of `hours`.
        parts: For a sliding window, the number of parts that the false alarms are divided into; see
            `parts_of_false_alarms`.

    Raises:
        ValueError: If the rows of training are counted in other cells.
    """
    policy = policy or QualityPolicy()
    if training is not None and not now.fits(training):
        raise ValueError("the outcomes are counted in other cells than those of training")
    found = measure(now)
    before = {} if training is None else {each.key: each for each in measure(training)}
    varied = () if training is None else training.variation.get(window or "", ())
    variation = {(each.output, each.statistic): each for each in varied}
    judged = sum(each.judged for each in found)
    if sliding and window is not None:
        share = policy.sliding_share(window, judged, parts)
    else:
        share = policy.share(hours, judged)
    scale = next((each.value for each in before.values() if each.name == "rmse"), math.nan)
    changes = tuple(
        judge(
            each,
            before.get(each.key),
            None if each.category else variation.get(each.key[:2]),
            policy,
            share=share,
            scale=scale,
        )
        for each in found
    )
    return Quality(now.rows, now.unpaired, changes, outcomes=now)
