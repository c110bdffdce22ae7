"""The command `boxkite variation`."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.tally import Tally
from boxkite.baseline.time_windows import (
    DEFAULT_WINDOWS,
    SLOTS_A_WINDOW,
    TREND_WORTH_A_WARNING,
    Learnt,
    learn_windows,
    seconds_of,
)
from boxkite.cli.console import print_table, progress_bar
from boxkite.cli.group import print_message
from boxkite.cli.inputs import log_reader, read_baseline
from boxkite.cli.log_counting import count_blocks
from boxkite.cli.shared_options import (
    NAME,
    json_option,
    output_file_option,
    part_of_log,
    window_length,
)
from boxkite.cli.tables import variation_table
from boxkite.drawing.printable import one_line

__all__ = ["variation_command"]


@dataclass(frozen=True)
class _BlockCounts:
    """Count the rows of one variable in slots, by adding up blocks of equal length.

    Attributes:
        seconds: length of a block.
        counts: rows of each cell in consecutive blocks, shape (blocks, cells).
    """

    seconds: float
    counts: NDArray[np.int64]

    @property
    def span(self) -> float:
        return len(self.counts) * self.seconds

    def every(self, seconds: float) -> NDArray[np.int64]:
        slots = (np.arange(len(self.counts)) * self.seconds / seconds).astype(np.int64)
        sums = np.zeros((int(slots[-1]) + 1, self.counts.shape[1]), dtype=np.int64)
        np.add.at(sums, slots, self.counts)
        return sums


def _lengths(
    context: click.Context, option: click.Parameter, lengths: tuple[str, ...]
) -> dict[str, float]:
    """Return the seconds of each length."""
    for each in lengths:
        window_length(context, option, each)
    return {each: seconds_of(each) for each in lengths}


@click.command("variation")
@click.argument("baseline")
@click.argument("url")
@output_file_option
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="LENGTH",
    default=DEFAULT_WINDOWS,
    show_default=True,
    callback=_lengths,
    help="Length of a window in which drift is judged. Repeatable.",
)
@click.option("--version", type=NAME, help="Version of the new baseline. [default: its digest]")
@part_of_log
@json_option
def variation_command(
    baseline: Baseline | str,
    url: str,
    output_file: Path,
    windows: dict[str, float],
    version: str | None,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Learn from a log how the data varies by itself.

    Mornings differ from evenings, and weekends from workdays. If training rows have no times, learn
    this from the first weeks of the service's own log. The command writes a baseline with the same
    distribution that allows for it.

    BASELINE is the path or URL of a file such as histogram.prom. URL is the folder or URL of a
    prediction log. Select a part without drift; four weeks are better than one.

    \b
    Example:
      boxkite variation histogram.prom log --since 2026-10-01 -o varying.prom
    """
    trained = read_baseline(baseline)
    block = math.gcd(*(int(each) for each in windows.values())) / SLOTS_A_WINDOW
    log = log_reader(url, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        blocks = count_blocks(trained, replace(log, progress=progress), timedelta(seconds=block))
    if not blocks:
        raise click.UsageError(
            f"{url} has no predictions for these options. Check --endpoint, --since and --until"
        )
    learnt = _learn(trained, blocks, block, windows)
    variables = [
        replace(each, variation=found.variation)
        for each, found in zip(trained.variables, learnt, strict=True)
    ]
    written = Baseline.from_variables(
        variables,
        trained.rows,
        model=trained.model,
        version=version,
        outcomes=trained.outcomes,
        segments=trained.segments,
    )
    written.write(output_file)
    _report(written, learnt, output_file, as_json=as_json)


def _learn(
    trained: Baseline, blocks: Mapping[int, list[Tally]], block: float, lengths: Mapping[str, float]
) -> list[Learnt]:
    """Return the natural variation of each variable between the blocks."""
    first, number = min(blocks), max(blocks) - min(blocks) + 1
    found: list[Learnt] = []
    for place, variable in enumerate(trained.variables):
        counts = np.zeros((number, len(variable.counts)), dtype=np.int64)
        for index, tallies in blocks.items():
            counts[index - first] = tallies[place].cells
        found.append(learn_windows(variable, _BlockCounts(block, counts), lengths))
    return found


def _report(baseline: Baseline, learnt: list[Learnt], output_file: Path, *, as_json: bool) -> None:
    for variable, found in zip(baseline.variables, learnt, strict=True):
        if found.trend >= TREND_WORTH_A_WARNING:
            print_message(
                f"the last fifth of the log differs from the first: PSI {found.trend:.2g} in "
                f"{one_line(variable.name)}. If that is drift, select a part without it"
            )
    if as_json:
        click.echo(json.dumps(_document(baseline), indent=2))
        return
    print_table(functools.partial(variation_table, baseline))
    known = sum(bool(each.variation) for each in learnt)
    click.echo(
        one_line(
            f"natural variation of {known} of {len(learnt)} variables, version {baseline.version}, "
            f"written to {output_file}"
        )
    )


def _document(baseline: Baseline) -> dict[str, Any]:
    variables = [
        {
            "role": each.role,
            "name": each.name,
            "windows": {
                window: {
                    "windows": found.windows,
                    "rows": found.rows,
                    "directions": len(found.directions),
                    "varies_by_chance_alone": found.is_chance,
                }
                for window, found in each.variation.items()
            },
        }
        for each in baseline.variables
    ]
    return {"version": baseline.version, "variables": variables}
