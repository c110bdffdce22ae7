"""`boxkite rules`: the rule file for Prometheus."""

from __future__ import annotations

from dataclasses import replace

import click

from boxkite.cli.shared_options import Positive, design_effect_option, min_effect_option
from boxkite.drift import Policy
from boxkite.prometheus.rules import as_kubernetes, render_rules
from boxkite.prometheus.rules_critical import remarks

__all__ = ["rules_command"]


@click.command("rules")
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="The rows that are compared: those of the last hour, say.",
)
@click.option(
    "--slow-window",
    default="1d",
    show_default=True,
    metavar="DURATION",
    help="A longer window beside it, for drift that is small; none for none.",
)
@click.option(
    "--false-alarms-per-month",
    type=Positive(min=0, min_open=True),
    default=Policy().false_alarms_per_month,
    show_default=True,
    help="How many a model may raise without drift.",
)
@click.option(
    "--services-agree",
    is_flag=True,
    help="The services' own Policy has this rate: what they export is taken as it is.",
)
@min_effect_option
@design_effect_option
@click.option(
    "--interval",
    default=None,
    metavar="DURATION",
    help="How often to evaluate. [default: a sixtieth of the window, 5s to 2m]",
)
@click.option(
    "--runbook",
    default="docs/runbook.md",
    show_default=True,
    metavar="URL",
    help="Where your runbook is; the alerts link to its sections.",
)
@click.option("--kubernetes", is_flag=True, help="Print a PrometheusRule for the operator.")
def rules_command(
    window: str,
    slow_window: str,
    false_alarms_per_month: float,
    services_agree: bool,
    min_effect: float,
    design_effect: float,
    interval: str | None,
    runbook: str,
    kubernetes: bool,
) -> None:
    """Print the Prometheus rules: one file serves every model.

    The services export the critical values of PSI by their own Policy, for 1h and 1d if it is the
    default. For other windows or fewer false alarms the rules raise these to the safe side, by more
    than need be; services with Policy(windows={"6h": 6}) export those of 6h. Where their Policy has
    the rate, say so by --services-agree. Likewise where --design-effect is more than the services'
    own, which applies else. The critical value of K-S is always that of the rules' rate.

    \b
    Example:
      boxkite rules > boxkite.rules.yml && promtool check rules boxkite.rules.yml
      boxkite rules --window 30m --slow-window 6h --false-alarms-per-month 0.1
      boxkite rules --kubernetes --runbook https://wiki.example.org/boxkite | kubectl apply -f -
    """
    windows = [window] if slow_window == "none" else [window, slow_window]
    policy = Policy(
        false_alarms_per_month=false_alarms_per_month,
        min_effect=min_effect,
        design_effect=design_effect,
    )
    same_rate = replace(policy, design_effect=Policy().design_effect)
    services = same_rate if services_agree else Policy()
    text = render_rules(
        policy, services=services, windows=windows, interval=interval, runbook=runbook
    )
    click.echo(as_kubernetes(text) if kubernetes else text, nl=False)
    for remark in remarks(policy, services, windows):
        click.echo(f"boxkite: {remark}", err=True)
