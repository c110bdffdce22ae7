"""The lines of the table of costs: what is measured for each, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["LINES", "Case", "Line", "as_markdown"]

Medians = Mapping["Case", Mapping[str, float]]

OURS = "ours"
COLUMNS = ["0.0.5 with fluentd", "0.0.5", "client", "deque", "floor"]
TITLES = [
    "boxkite 0.0.5, fluentd",
    "boxkite 0.0.5, no log",
    "prometheus-client",
    "floor: deque",
    "floor: mapped or bulk",
]


class Case(NamedTuple):
    """One measurement."""

    work: str
    subject: str
    features: int
    bins: int


class Line(NamedTuple):
    """One line of the table.

    Attributes:
        title: what is measured.
        work: how.
        features: of the model.
        figures: of the work, shown with slashes between them.
        target: as the issue sets it, for each figure; or a share of prometheus-client's.
        subjects: by column, beside ours.
        bins: of each feature.
        ours: the subject that stands for boxkite.
    """

    title: str
    work: str
    features: int
    figures: tuple[str, ...]
    target: tuple[float, ...] | str
    subjects: Mapping[str, str]
    bins: int = 20
    ours: str = OURS

    def cases(self) -> list[Case]:
        """Return the measurements that the line needs."""
        names = [self.ours, *self.subjects.values()]
        return [Case(self.work, name, self.features, self.bins) for name in names]


_BOTH = {"0.0.5 with fluentd": "0.0.5 with fluentd", "0.0.5": "0.0.5"}
_LATENCY = {**_BOTH, "client": "observe", "deque": "deque", "floor": "mapped"}
_SCRAPE = {"0.0.5": "0.0.5", "client": "same samples"}
_P = ("p50", "p99")
_EMPTY: tuple[float, ...] = ()

LINES = [
    Line("`log_prediction`, 10 features, p50 / p99, us", "closed loop", 10, _P, (4, 15), _LATENCY),
    Line("100 features", "closed loop", 100, _P, (6, 25), _LATENCY),
    Line("1,000 features", "closed loop", 1000, _P, (25, 80), _LATENCY),
    Line("100 features, paced at 200/s", "paced", 100, _P, _EMPTY, _LATENCY),
    Line(
        "8 threads, 100 features, calls a second, as called / as counted",
        "threads",
        100,
        ("calls", "counted"),
        (100_000,),
        {**_BOTH, "client": "observe"},
    ),
    Line(
        "background work a record, 100 features, fold without a log, us",
        "fold",
        100,
        ("fold",),
        (25,),
        {"floor": "bulk"},
        ours="ours without log",
    ),
    Line(
        "background work a record, 100 features, fold and delivery to files, us",
        "fold",
        100,
        ("fold",),
        _EMPTY,
        {},
    ),
    Line(
        "`/metrics`, 100 features x 52 buckets, live and baseline, ms",
        "scrape",
        100,
        ("ms",),
        "1/20 of the same samples",
        _SCRAPE,
        bins=52,
    ),
    Line("`/metrics`, 1,000 features", "scrape", 1000, ("ms",), "1/20", _SCRAPE, bins=52),
    Line(
        "longest stall of a request under scrapes, 1,000 features, ms",
        "stall",
        1000,
        ("ms",),
        (5,),
        {"0.0.5": "0.0.5", "client": "observe", "floor": "nothing"},
        bins=52,
    ),
    Line(
        "start with a baseline of 1,000 features, ms",
        "start",
        1000,
        ("ms",),
        (100,),
        {"0.0.5": "0.0.5"},
    ),
]


def as_markdown(lines: Sequence[Line], medians: Medians) -> str:
    """Return the table: a line a work, ours first, and the others with their ratio to ours."""
    rows = [f"| work | ours | target | {' | '.join(TITLES)} |", f"|---|{'---:|' * 7}"]
    for line in lines:
        ours = medians.get(line.cases()[0], {})
        cells = [line.title, _written(line, ours), _target(line)]
        for column in COLUMNS:
            subject = line.subjects.get(column)
            theirs = medians.get(Case(line.work, subject or "", line.features, line.bins), {})
            cells.append(_written(line, theirs) + _ratio(line, theirs, ours))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _target(line: Line) -> str:
    return line.target if isinstance(line.target, str) else " / ".join(map(_number, line.target))


def _written(line: Line, figures: Mapping[str, float]) -> str:
    return " / ".join(_number(figures[key]) for key in line.figures) if figures else ""


def _ratio(line: Line, theirs: Mapping[str, float], ours: Mapping[str, float]) -> str:
    if not (theirs and ours):
        return ""
    key = line.figures[0]
    return f" ({_number(theirs[key] / ours[key])})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
