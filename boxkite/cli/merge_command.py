"""The command `boxkite merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from boxkite.baseline import Baseline
from boxkite.cli.shared_options import output_file_option
from boxkite.drawing.printable import one_line

__all__ = ["merge_command"]


@click.command("merge")
@click.argument("parts", nargs=-1, required=True, metavar="PART...")
@output_file_option
@click.option(
    "--exposition",
    type=click.Choice(["labelled", "classic"]),
    default="labelled",
    show_default=True,
    help="Form of the series in the file.",
)
def merge_command(parts: tuple[str, ...], output_file: Path, exposition: Any) -> None:
    """Add up baselines of parts of the training data.

    Each PART is the path or URL of a baseline, in any order. Fit all parts after the first with
    boxkite baseline --like, so that they have the same bins. The result equals, byte for byte, a
    baseline of all rows with these bins.

    \b
    Example:
      boxkite merge monday.prom tuesday.prom -o week.prom
    """
    first, *others = (Baseline.read(part) for part in parts)
    merged = first.merge(*others)
    merged.write(output_file, exposition=exposition)
    written = (
        f"{len(parts)} parts, {merged.rows:,} rows, version {merged.version}, "
        f"written to {output_file}"
    )
    click.echo(one_line(written))
