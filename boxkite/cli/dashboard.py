"""`boxkite dashboard`."""

from __future__ import annotations

import click

from boxkite.drift import Policy
from boxkite.errors import ConfigError

__all__ = ["dashboard_command"]


@click.command("dashboard")
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="DURATION",
    default=tuple(Policy().windows),
    show_default=True,
    help="A window of the rules to choose from; repeat it for several.",
)
def dashboard_command(windows: tuple[str, ...]) -> None:
    """Print a Grafana dashboard: one file serves every model.

    It shows what `boxkite rules` records: give the same windows to both. Import it, or provision
    it from a folder; it asks which Prometheus to use.

    \b
    Example:
      boxkite dashboard > boxkite.json
    """
    try:
        from boxkite.prometheus.dashboard import render_dashboard
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error}; the dashboard needs: pip install 'boxkite[dashboard]'"
        ) from error
    if len(set(windows)) < len(windows):
        raise click.UsageError(f"give each window once, not {', '.join(windows)}")
    click.echo(render_dashboard(windows), nl=False)
