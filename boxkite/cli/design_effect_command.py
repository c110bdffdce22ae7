"""The command `boxkite design-effect`."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.console import print_table, progress_bar
from boxkite.cli.inputs import log_reader, read_baseline
from boxkite.cli.log_counting import count_blocks
from boxkite.cli.shared_options import duration, json_option, part_of_log
from boxkite.cli.tables import effects_table
from boxkite.drift import estimate_design_effect

__all__ = ["design_effect_command"]


def _duration(_: click.Context, __: click.Parameter, text: str) -> timedelta:
    return duration(text)


@click.command("design-effect")
@click.argument("baseline")
@click.argument("url")
@part_of_log
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="DURATION",
    callback=_duration,
    help="Window in which drift is judged.",
)
@json_option
def design_effect_command(
    baseline: Baseline | str,
    url: str,
    endpoint: str | None,
    since: str | None,
    until: str | None,
    window: timedelta,
    as_json: bool,
) -> None:
    """Estimate how much the rows of a log depend on each other.

    The design effect is the number of observed rows per independent row. It is above 1 if requests
    come in bursts or repeat each other. Set DESIGN_EFFECT to the greatest value in the table.

    BASELINE is the path or URL of a file such as histogram.prom. URL is the folder or URL of a
    prediction log. Select a part without drift that is at least twenty windows long.

    \b
    Example:
      boxkite design-effect histogram.prom log --window 1d --since 2026-10-01
    """
    trained = read_baseline(baseline)
    log = log_reader(url, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        blocks = count_blocks(trained, replace(log, progress=progress), window)
    effects = estimate_design_effect(trained, list(blocks.values()))
    if as_json:
        document = _document(trained, effects, len(blocks))
        click.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    print_table(functools.partial(effects_table, trained, effects))
    known = [each for each in effects if not math.isnan(each)]
    greatest = f"the greatest design effect is {max(known):.2f}" if known else "not enough data"
    noun = "window" if len(blocks) == 1 else "windows"
    click.echo(f"{len(blocks):,} {noun} with predictions: {greatest}")


def _document(baseline: Baseline, effects: Sequence[float], windows: int) -> dict[str, Any]:
    """Return the result as a dictionary that JSON can hold, with None in place of NaN."""
    variables = [
        {
            "role": each.role,
            "name": each.name,
            "design_effect": None if math.isnan(effect) else effect,
        }
        for each, effect in zip(baseline.variables, effects, strict=True)
    ]
    return {"windows": windows, "variables": variables}
