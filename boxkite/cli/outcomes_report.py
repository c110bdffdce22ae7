"""What `boxkite outcomes` prints: the quality of the model, and what became of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boxkite.baseline import Baseline
from boxkite.cli.labels import Labels
from boxkite.cli.outcome_join import Joined
from boxkite.cli.quality_table import quality_lines
from boxkite.quality import Quality
from boxkite.quality.quality_verdict import QualityVerdict

__all__ = ["OutcomesReport"]


@dataclass(frozen=True)
class OutcomesReport:
    """The output of the command: a comparison, and the numbers of predictions and labels."""

    baseline: Baseline
    quality: Quality
    joined: Joined
    labels: Labels
    segments: Mapping[str, Quality]

    @property
    def verdict(self) -> QualityVerdict:
        """The verdict on all predictions, or `worse` if the quality of a segment is."""
        worse = any(each.verdict == "worse" for each in self.segments.values())
        return "worse" if worse else self.quality.verdict

    @property
    def worst_segments(self) -> list[tuple[str, Joined, Quality]]:
        """Label, predictions and quality of each segment, the worst first."""
        found = [
            (label, self.joined.segments[label], each) for label, each in self.segments.items()
        ]
        return sorted(found, key=lambda each: each[2].order)

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        joined, labels = self.joined, self.labels
        return {
            "model": self.baseline.model,
            "version": self.baseline.version,
            "predictions": joined.predictions,
            "labelled": joined.labelled,
            "coverage": joined.coverage,
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
            label: {
                "predictions": joined.predictions,
                "labelled": joined.labelled,
                "coverage": joined.coverage,
                **quality.as_dict(),
            }
            for label, joined, quality in self.worst_segments
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines below the table."""
        joined, labels = self.joined, self.labels
        yield (
            f"{joined.labelled:,} of {joined.predictions:,} predictions have a label "
            f"({100 * joined.coverage:.3g} %)"
        )
        counted = {
            "predictions left out, because the output or the label is missing or invalid": (
                self.quality.unpaired
            ),
            "labels that repeat an earlier one": labels.repeated,
            "labels that a later one replaced": labels.corrected,
            "labels without an id or an outcome": labels.incomplete,
            "labels of another model or version": joined.foreign,
            "labels without a prediction in this part of the log": joined.unknown,
        }
        yield from (f"{text}: {number:,}" for text, number in counted.items() if number)
        yield from quality_lines(self.quality)
        worse = sum(each.verdict == "worse" for each in self.segments.values())
        if worse:
            yield f"worse in {worse} of {len(self.segments)} segments"
