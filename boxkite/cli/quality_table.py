"""The table of quality that `boxkite outcomes` prints, and the lines below it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from boxkite.cli.outcome_join import JoinedPart
from boxkite.drawing.printable import one_line
from boxkite.quality import Quality, QualityChange, QualityStatistic

__all__ = ["quality_lines", "quality_table", "segment_quality_table"]

_STYLES = {"worse": "bold red", "ok": "green", "insufficient": "yellow", "": ""}


def quality_table(quality: Quality, _: int = 0) -> Table:
    """Return a table of statistics at training and now, with intervals and verdicts."""
    estimated = {each.name: each.value for each in quality.estimated}
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("statistic", overflow="fold", min_width=len("calibration_error"))
    names = ["at training", "now", "95 % interval", "change", "rows"]
    if estimated:
        names.insert(1, "estimated")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for each in quality:
        numbers = [
            _number(each.before.value if each.before else math.nan),
            _number(each.now.value),
            _interval(each.now),
            _number(each.difference, "+"),
            f"{each.now.rows:,}",
        ]
        if estimated:
            numbers.insert(1, _number(estimated.get(each.now.name, math.nan)))
        verdict = each.verdict or ""
        table.add_row(_name(each.now), *numbers, Text(verdict, style=_STYLES[verdict]))
    return table


def segment_quality_table(segments: Sequence[tuple[str, JoinedPart, Quality]], _: int = 0) -> Table:
    """Return a table with the worst statistic of each segment, one row per segment.

    Args:
        segments: Label, predictions and quality of each segment, in the order of the rows.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("segment", overflow="fold", min_width=len("calibration_error"))
    for name in ("predictions", "labelled", "statistic", "at training", "now", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for label, part, quality in segments:
        shown = next((each for each in quality if each.verdict == quality.verdict), None)
        cells = ["-"] * 4
        if shown is not None:
            before = shown.before.value if shown.before else math.nan
            cells = [shown.now.name, _number(before), _number(shown.now.value)]
            cells.append(_number(shown.difference, "+"))
        table.add_row(
            Text(one_line(label)),
            f"{part.predictions:,}",
            f"{part.labelled:,}",
            *cells,
            Text(quality.verdict, style=_STYLES[quality.verdict]),
        )
    return table


def quality_lines(quality: Quality) -> Iterator[str]:
    """Yield each loss of quality, what is not judged and why, and the bound of AUC."""
    for verdict, prefix in (("worse", "worse"), ("insufficient", "not enough data")):
        yield from _grouped(prefix, [each for each in quality if each.verdict == verdict])
    for each in quality:
        if each.now.bound and each.now.judged:
            yield (
                f"{each.now.name} is derived from bins: without them it would differ by at most "
                f"{each.now.bound:.2g}"
            )


def _grouped(prefix: str, changes: list[QualityChange]) -> Iterator[str]:
    """Yield one line for each finding, with all statistics that have it."""
    names: dict[str, list[str]] = {}
    for each in changes:
        names.setdefault(each.finding, []).append(each.now.name)
    for finding, found in names.items():
        yield f"{prefix}: {', '.join(found)}: {finding}"


def _name(statistic: QualityStatistic) -> Text:
    category = f" ({one_line(statistic.category)})" if statistic.category else ""
    return Text(f"{statistic.name}{category}")


def _interval(statistic: QualityStatistic) -> str:
    if not statistic.is_defined:
        return "-"
    return f"{_number(statistic.interval.low)} to {_number(statistic.interval.high)}"


def _number(value: float, sign: str = "") -> str:
    if math.isnan(value):
        return "-"
    return f"{value:{sign}.4f}" if abs(value) < 1000 else f"{value:{sign},.1f}"
