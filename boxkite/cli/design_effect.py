"""`boxkite design-effect`: how many rows tell as much as one, estimated from a log."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import replace
from datetime import timedelta

import click

from boxkite.baseline import Baseline
from boxkite.cli.comparing import baseline_of
from boxkite.cli.console import print_table, progress_bar
from boxkite.cli.log_comparison import blocks_of_log
from boxkite.cli.log_options import age, log_reader, part_of_log
from boxkite.cli.option_types import json_option
from boxkite.cli.tables import effects_table
from boxkite.drift import estimate_design_effect

__all__ = ["design_effect_command"]


@click.command("design-effect")
@click.argument("baseline")
@click.argument("url")
@part_of_log
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="DURATION",
    callback=lambda _, __, text: age(text),
    help="The window that is to be judged; the log is cut into stretches as long.",
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
    """Estimate how many rows of a log tell as much as one.

    URL is a prediction log, as of `boxkite logs`; choose a part without drift, of twenty windows or
    more. The greatest of the numbers is one for the setting DESIGN_EFFECT. It is 1 where rows are
    independent of each other, and more where requests come in bursts or are repeated.

    \b
    Example:
      boxkite design-effect histogram.prom log --window 1d --since 2026-10-01
    """
    trained = baseline_of(baseline)
    log = log_reader(url, endpoint, since, until)
    with progress_bar("reading", sum(file.size for file in log.files)) as progress:
        blocks = blocks_of_log(trained, replace(log, progress=progress), window)
    effects = estimate_design_effect(trained, blocks)
    if as_json:
        found = [
            {
                "role": each.role,
                "name": each.name,
                "design_effect": None if math.isnan(effect) else effect,
            }
            for each, effect in zip(trained.variables, effects, strict=True)
        ]
        document = {"windows": len(blocks), "variables": found}
        click.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    print_table(functools.partial(effects_table, trained, effects))
    known = [each for each in effects if not math.isnan(each)]
    greatest = f"the greatest is {max(known):.2f}" if known else "too few rows to tell"
    click.echo(f"{len(blocks):,} windows with rows: {greatest}")
