"""Tables that the commands print."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.tally import Tally
from boxkite.drawing.printable import one_line
from boxkite.drawing.shapes import bars
from boxkite.drawing.svg import Sketch, sketch
from boxkite.drawing.value_text import value_text
from boxkite.drift import Comparison, VariableDrift
from boxkite.variation import Variation

__all__ = [
    "baseline_table",
    "comparison_lines",
    "comparison_table",
    "days_table",
    "effects_table",
    "segment_lines",
    "segments_table",
    "variation_table",
]

_MAX_TEXT = 200

_ABOVE = "bold"
_STYLES = {
    "drift": "bold red",
    "changed rate": "bold red",
    "ok": "green",
    "insufficient": "yellow",
}


def comparison_table(comparison: Comparison, sketch_width: int = 0) -> Table:
    """Return a table of statistics, critical values and verdicts, one row per variable.

    The variables are in the order of `Comparison.by_size`.

    Args:
        comparison: Comparison to show. Sketches need its counts.
        sketch_width: Width of the sketches of both distributions in characters; 0 for none.
    """
    table = _table(gap=0)  # with a gap, numbers would not fit into 80 columns
    for name in ("rows", "missing", "PSI", "critical", "K-S", "critical"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name in ("train", "live") if sketch_width else ():
        table.add_column(name, no_wrap=True)
    pairs = itertools.zip_longest(comparison, comparison.counts)
    for each, counts in sorted(pairs, key=lambda pair: pair[0].order):
        table.add_row(
            _name(each.name, each.role),
            f"{each.rows:,}",
            f"{each.missing:,}",
            *_test(each, "PSI"),
            *_test(each, "K-S"),
            Text(each.status, style=_STYLES[each.status]),
            *(_sketches(counts, sketch_width) if counts and sketch_width else ()),
        )
    return table


def _test(drift: VariableDrift, name: str) -> tuple[Text, str]:
    """Return a statistic, bold if it is above its threshold, and the threshold."""
    value, threshold = drift.tests[name]
    return Text(_number(value), style=_ABOVE if name in drift.above else ""), _number(threshold)


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield what stands below the table: the changes by size, what is left open, and a summary."""
    variables = comparison.by_size
    for each in variables:
        if each.verdict == "drift":
            yield f"drift: {one_line(each.name)}: {each.effect} ({_statistics(each)})"
    for each in variables:
        for change in each.rate_changes:
            yield f"changed rate: {one_line(each.name)}: {change}"
    for each in variables:
        if each.below_floor:
            yield f"ok: {one_line(each.name)}: {each.below_floor}"
    for each in variables:
        if each.status == "insufficient":
            yield f"not enough data: {one_line(each.name)}: {each.reason}"
    yield from segment_lines(comparison)
    yield comparison.summary


def _statistics(drift: VariableDrift) -> str:
    pairs = {"PSI": drift.psi, "K-S": drift.ks}
    if "one cell" in drift.above:
        pairs["one cell"] = drift.excess
    return ", ".join(f"{k} {value:.3g}" for k, value in pairs.items() if not math.isnan(value))


def _sketches(counts: tuple[Variable, Tally], width: int) -> Sketch:
    variable, tally = counts
    return sketch(bars(variable, tally.cells), variable.kind, width)


def baseline_table(baseline: Baseline, sketch_width: int = 0) -> Table:
    """Return a table of a baseline's variables, one row per variable.

    Args:
        baseline: Baseline to show.
        sketch_width: Width of the sketch of a distribution in characters; 0 for none.
    """
    table = _table()
    table.add_column("kind", no_wrap=True)
    for name in ("missing", "cells"):
        table.add_column(name, justify="right", no_wrap=True)
    if sketch_width:
        table.add_column("train", no_wrap=True)
    table.add_column("range or categories", min_width=len("-1.23457e+100 to"))
    for each in baseline.variables:
        drawn = sketch(bars(each, each.counts), each.kind, sketch_width) if sketch_width else ()
        table.add_row(
            _name(each.name, each.role),
            each.kind,
            f"{each.missing:,}",
            str(len(each.counts)),
            *drawn[:1],
            Text(_summary(each)),
        )
    return table


def segments_table(baseline: Baseline, _: int = 0) -> Table:
    """Return a table of a baseline's segments, one row per column of segments."""
    table = _table("segments of")
    table.add_column("feature", no_wrap=True)
    for name in ("values", "least rows"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("rows of each value")
    for each in baseline.segments:
        pairs = [(value, rows) for value, rows in zip(each.values, each.rows, strict=True) if rows]
        table.add_row(
            Text(one_line(each.name)),
            "yes" if each.is_feature else "no",
            str(len(each.values)),
            f"{min(rows for _, rows in pairs):,}",
            Text(_shortened(", ".join(f"{one_line(value)} {rows:,}" for value, rows in pairs))),
        )
    return table


def segment_lines(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each segment that changed, the largest change first."""
    for label, segment in comparison.worst_segments:
        for each in segment.by_size:
            if each.has_changed:
                changes = "; ".join(filter(None, (each.effect, *each.rate_changes)))
                statistics = f" ({found})" if (found := _statistics(each)) else ""
                where = f"{each.status} in {one_line(label)}: {one_line(each.name)}"
                yield f"{where}: {changes}{statistics}"


def days_table(days: Sequence[Mapping[str, str | int]]) -> Table:
    """Return a table with one row per endpoint and day of a log."""
    table = _table("endpoint")
    table.add_column("day", no_wrap=True)
    counts = [name for name in (days[0] if days else ()) if name not in ("endpoint", "day")]
    for name in counts:
        table.add_column(name, justify="right", no_wrap=True)
    for each in days:
        numbers = (f"{each[name]:,}" for name in counts)
        table.add_row(Text(str(each["endpoint"])), str(each["day"]), *numbers)
    return table


def effects_table(baseline: Baseline, effects: Sequence[float], _: int = 0) -> Table:
    """Return a table of design effects, one row per variable."""
    table = _table()
    table.add_column("design effect", justify="right", no_wrap=True)
    for each, effect in zip(baseline.variables, effects, strict=True):
        table.add_row(_name(each.name, each.role), "-" if math.isnan(effect) else f"{effect:,.2f}")
    return table


def variation_table(baseline: Baseline, _: int = 0) -> Table:
    """Return a table of natural variation: for each window, how the variable varies by itself."""
    table = _table()
    windows = list(dict.fromkeys(name for each in baseline.variables for name in each.variation))
    for name in windows:
        table.add_column(name, no_wrap=True)
    for each in baseline.variables:
        found = [each.variation.get(name) for name in windows]
        table.add_row(_name(each.name, each.role), *map(_how_it_varies, found))
    return table


def _how_it_varies(variation: Variation | None) -> str:
    if variation is None:
        return "too few rows"
    if variation.is_chance:
        return "by chance alone"
    number = len(variation.directions)
    directions = f"{number} direction{'s' if number != 1 else ''}" if number else "all cells alike"
    return f"{directions}, {variation.windows:,} windows"


def _table(first: str = "variable", gap: int = 1) -> Table:
    """Return an empty table whose first column wraps, so that no number is cut off."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column(first, overflow="fold", min_width=len("variable"))
    return table


def _name(name: str, role: str) -> Text:
    suffix = "" if role == "feature" else f" ({role})"
    return Text(one_line(_shortened(name)) + suffix)


def _summary(variable: Variable) -> str:
    if isinstance(variable, CategoryVariable):
        return ", ".join(one_line(_shortened(each)) for each in variable.categories[:5])
    ends = (variable.minimum, variable.maximum)
    return " to ".join(value_text(each, variable.value_type) for each in ends)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
