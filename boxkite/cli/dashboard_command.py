"""The command `boxkite dashboard`."""

from __future__ import annotations

from importlib import resources

import click

__all__ = ["dashboard_command"]


@click.command("dashboard")
def dashboard_command() -> None:
    """Print a Grafana dashboard.

    One dashboard serves all models. It shows the series that the rules of `boxkite rules` record.
    Import the file into Grafana 11 or later, or provision it.

    \b
    Example:
      boxkite dashboard > boxkite.json
    """
    file = resources.files("boxkite.prometheus").joinpath("dashboard.json")
    click.echo(file.read_text("utf-8"), nl=False)
