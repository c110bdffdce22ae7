"""The quality of a model from its labels, and what became of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from boxkite.baseline import Baseline
from boxkite.baseline.time_windows import seconds_of
from boxkite.cli.labels import Labels
from boxkite.cli.outcome_join import Joined, JoinedPart
from boxkite.cli.quality_table import quality_lines
from boxkite.live.outcomes.service_quality import DayQuality
from boxkite.prometheus.job_quality_series import JudgedRows
from boxkite.quality import Outcomes, Quality, QualityPolicy, compare_outcomes, estimate
from boxkite.quality.quality_comparison import DEFAULT_HOURS
from boxkite.quality.quality_html import quality_html
from boxkite.quality.quality_verdict import QualityVerdict

__all__ = ["OutcomesReport"]


@dataclass(frozen=True)
class OutcomesReport:
    """The quality of predictions with labels, and the numbers of predictions and labels.

    Attributes:
        baseline: Baseline of the model.
        quality: Quality of all predictions.
        joined: Numbers of predictions.
        labels: Numbers of labels.
        segments: Quality of each segment by its label.
        days: Quality of each day, the oldest first.
    """

    baseline: Baseline
    quality: Quality
    joined: Joined
    labels: Labels
    segments: Mapping[str, Quality]
    days: Sequence[DayQuality]

    @classmethod
    def of(
        cls,
        baseline: Baseline,
        joined: Joined,
        labels: Labels,
        policy: QualityPolicy,
        window: str | None,
    ) -> OutcomesReport:
        """Compare predictions with the quality at training.

        Args:
            baseline: Baseline of the model.
            joined: The predictions with their labels.
            labels: The labels.
            policy: Decides whether quality is worse.
            window: Length of time that the predictions cover, such as "7d"; None if unknown.
        """
        trainings, number = baseline.outcomes_by_segment, len(baseline.segment_labels)
        whole = policy.part("", number)
        return cls(
            baseline,
            _compared(baseline.outcomes, joined.whole, whole, window),
            joined,
            labels,
            {
                label: _compared(trainings.get(label), part, policy.part(label, number), window)
                for label, part in joined.segments.items()
            },
            [
                DayQuality(day, part.predictions, _compared(baseline.outcomes, part, whole, "1d"))
                for day, part in joined.days.items()
            ],
        )

    @property
    def html(self) -> str:
        """Tables and charts of the quality as HTML without a style."""
        return quality_html(self.quality, segments=self.segments, days=self.days)

    @property
    def verdict(self) -> QualityVerdict:
        """The verdict on all predictions, or `worse` if the quality of a segment is."""
        worse = any(each.verdict == "worse" for each in self.segments.values())
        return "worse" if worse else self.quality.verdict

    @property
    def worst_segments(self) -> list[tuple[str, JoinedPart, Quality]]:
        """Label, predictions and quality of each segment, the worst first."""
        found = [
            (label, self.joined.segments[label], each) for label, each in self.segments.items()
        ]
        return sorted(found, key=lambda each: each[2].order)

    @property
    def judged(self) -> dict[str, JudgedRows]:
        """Quality and number of the predictions by segment; "" for all, as a job writes them."""
        whole = {"": JudgedRows(self.quality, self.joined.whole.predictions)}
        return whole | {
            label: JudgedRows(each, self.joined.segments[label].predictions)
            for label, each in self.segments.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        joined, labels = self.joined, self.labels
        return {
            "model": self.baseline.model,
            "version": self.baseline.version,
            **_numbers(joined.whole),
            "labels": {
                "rows": labels.rows,
                "repeated": labels.repeated,
                "corrected": labels.corrected,
                "incomplete": labels.incomplete,
                "other_models": joined.foreign,
                "unknown": joined.unknown,
            },
            **self.quality.as_dict(),
            **({"segments": self._segments()} if self.segments else {}),
            "verdict": self.verdict,
        }

    def _segments(self) -> dict[str, Any]:
        return {
            label: {**_numbers(part), **quality.as_dict()}
            for label, part, quality in self.worst_segments
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines below the table."""
        yield from self.remarks()
        yield self.quality.summary
        worse = sum(each.verdict == "worse" for each in self.segments.values())
        if worse:
            yield f"worse in {worse} of {len(self.segments)} segments"

    def remarks(self) -> Iterator[str]:
        """Yield what became of the labels, and the findings that a table cannot show."""
        joined, labels, whole = self.joined, self.labels, self.joined.whole
        yield (
            f"{whole.labelled:,} of {whole.predictions:,} predictions have a label "
            f"({100 * whole.coverage:.3g} %)"
        )
        counted = {
            "predictions left out, because the output or the label is missing or invalid": (
                self.quality.unpaired
            ),
            "labels that repeat an earlier one": labels.repeated,
            "labels that a later one replaced": labels.corrected,
            "labels without an id or an outcome": labels.incomplete,
            "labels of another model or version": joined.foreign,
            "labels without a matching prediction": joined.unknown,
        }
        yield from (f"{text}: {number:,}" for text, number in counted.items() if number)
        yield from quality_lines(self.quality)


def _numbers(part: JoinedPart) -> dict[str, float]:
    return {
        "predictions": part.predictions,
        "labelled": part.labelled,
        "coverage": part.coverage,
    }


def _compared(
    training: Outcomes | None, part: JoinedPart, policy: QualityPolicy, window: str | None
) -> Quality:
    hours = DEFAULT_HOURS if window is None else seconds_of(window) / 3600
    quality = compare_outcomes(part.outcomes, training, policy=policy, window=window, hours=hours)
    if training is None or not len(part.scores):
        return quality
    return replace(quality, estimated=estimate(training, part.scores))
