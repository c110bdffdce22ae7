"""The command `flask boxkite quality`: the quality of a model from the labels of its service."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from boxkite.cli.console import print_table
from boxkite.cli.group import EXIT_DRIFT, EXIT_INSUFFICIENT
from boxkite.cli.quality_table import quality_lines, quality_table
from boxkite.cli.shared_options import json_option, window_length
from boxkite.monitor import Monitor
from boxkite.quality import Quality

__all__ = ["quality_command"]


@click.command("quality")
@click.option(
    "--window",
    metavar="LENGTH",
    callback=window_length,
    help="Count only predictions of the last days, such as 7d: today and the six days before, in "
    "UTC. At most 40d. [default: all predictions whose labels still count]",
)
@json_option
@click.pass_obj
def quality_command(monitor: Monitor, window: str | None, as_json: bool) -> None:
    """Measure the quality of the model from the labels that its service received.

    The service must take labels (setting OUTCOME_TTL). The command only reads, so you can run it
    beside the service and on a read-only file system.

    \b
    Exit codes:
      0  no statistic is worse than at training
      1  a statistic is worse, over all predictions or in a segment
      2  wrong usage, or the service takes no labels
      3  not enough data for any verdict

    \b
    Example:
      boxkite quality
      boxkite quality --window 7d
    """
    shown = _Shown(monitor, monitor.quality(window), monitor.quality_by_segment())
    if as_json:
        click.echo(json.dumps(shown.as_dict(), indent=2, allow_nan=False))
    else:
        print_table(functools.partial(quality_table, shown.quality))
        for line in shown.lines():
            click.echo(line)
    code = {"worse": EXIT_DRIFT, "insufficient": EXIT_INSUFFICIENT}.get(shown.verdict, 0)
    click.get_current_context().exit(code)


@dataclass(frozen=True)
class _Shown:
    """The output of the command."""

    monitor: Monitor
    quality: Quality
    segments: dict[str, Quality]

    @property
    def verdict(self) -> str:
        """The verdict on all predictions, or `worse` if the quality of a segment is."""
        return "worse" if self._worse_segments else self.quality.verdict

    @property
    def _worse_segments(self) -> list[str]:
        return [label for label, each in self.segments.items() if each.verdict == "worse"]

    def as_dict(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        baseline = self.monitor.baseline
        segments = {label: each.as_dict() for label, each in self.segments.items()}
        return {
            "model": baseline.model,
            "version": baseline.version,
            **self.quality.as_dict(),
            **({"segments": segments} if segments else {}),
            "verdict": self.verdict,
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines below the table."""
        yield f"{self.quality.rows:,} predictions have a label"
        yield from quality_lines(self.quality)
        yield self.quality.summary
        if self._worse_segments:
            yield f"worse in segments: {', '.join(self._worse_segments)}"
