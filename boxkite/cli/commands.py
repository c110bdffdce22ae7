"""The command `boxkite` with all its subcommands."""

from __future__ import annotations

import click

from boxkite.cli.baseline_commands import baseline_command, show_command
from boxkite.cli.compare_command import compare_command
from boxkite.cli.dashboard_command import dashboard_command
from boxkite.cli.design_effect_command import design_effect_command
from boxkite.cli.group import CommandGroup
from boxkite.cli.init_command import init_command
from boxkite.cli.log_commands import logs
from boxkite.cli.merge_command import merge_command
from boxkite.cli.outcomes_command import outcomes_command
from boxkite.cli.report_command import report_command
from boxkite.cli.rules_command import rules_command
from boxkite.cli.variation_command import variation_command

__all__ = ["boxkite"]


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(package_name="boxkite", prog_name="boxkite")
@click.pass_context
def boxkite(context: click.Context) -> None:
    """Find out whether a model's data still resembles its training data.

    Each command has its own --help.

    \b
    Example:
      boxkite baseline train.parquet --output score    # at training
      boxkite rules > boxkite.rules.yml                # for Prometheus
      boxkite compare histogram.prom july.parquet      # without a service
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for each in (
    baseline_command,
    compare_command,
    dashboard_command,
    design_effect_command,
    init_command,
    logs,
    merge_command,
    outcomes_command,
    report_command,
    rules_command,
    show_command,
    variation_command,
):
    boxkite.add_command(each)
