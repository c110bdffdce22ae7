"""`boxkite rules`: the rule file for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from boxkite.cli.cost_table import cost_table
from boxkite.cli.inputs import read_baseline
from boxkite.prometheus.rules import RuleObject, RuleOptions, render_rules
from boxkite.prometheus.rules.durations import parse_duration
from boxkite.prometheus.rules.label_sets import environment_labels
from boxkite.prometheus.rules.quality_groups import QUALITY_WINDOWS
from boxkite.prometheus.sizing import Fleet

__all__ = ["rules_command"]

Command = TypeVar("Command", bound=Callable[..., Any])


def _pairs(_: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Return the pairs that an option gives as NAME=VALUE."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise click.BadParameter(f"{text!r} is not of the form {parameter.metavar}.")
        found[name] = value
    return found


def _names(_: click.Context, __: click.Parameter, text: str | None) -> list[str] | None:
    """Return the names that an option gives with commas; None if it is not given."""
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def _pairs_option(name: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """Return an option that may be repeated and takes a pair."""
    return click.option(name, multiple=True, metavar=metavar, callback=_pairs, help=text)


@click.command("rules")
@click.option(
    "--window",
    default="1h",
    show_default=True,
    metavar="DURATION",
    help="Compare the rows of this window with training.",
)
@click.option(
    "--slow-window",
    default="1d",
    show_default=True,
    metavar="DURATION",
    help="A longer window, which finds smaller drift. `none` leaves it out.",
)
@click.option(
    "--quality-windows",
    default=",".join(QUALITY_WINDOWS),
    show_default=True,
    metavar="DURATIONS",
    help="Measure quality by the labels of these windows. `none` measures no quality.",
)
@click.option(
    "--by",
    callback=_names,
    metavar="LABELS",
    help="Target labels that keep environments apart, besides cluster, namespace and job. An empty "
    "text removes those three too.",
)
@click.option(
    "--interval",
    metavar="DURATION",
    help="Time between two evaluations. [default: a sixtieth of the window, 5s to 2m]",
)
@click.option(
    "--scrape-interval",
    metavar="DURATION",
    help="How often Prometheus scrapes the services. Refuses windows that are too short for it.",
)
@click.option(
    "--runbook",
    metavar="URL",
    help="Link each alert to its section of this page, such as your copy of "
    "docs/production/runbook.md. [default: no link]",
)
@_pairs_option("--alert-label", "NAME=VALUE", "Add a label to every alert. Repeatable.")
@_pairs_option(
    "--severity",
    "NAME=VALUE",
    "Change the severity `warning` or `critical`, or the severity of the alert NAME. Repeatable.",
)
@click.option(
    "--no-alert", "without", multiple=True, metavar="NAME", help="Leave out an alert. Repeatable."
)
@click.option("--no-alerts", is_flag=True, help="Leave out all alerts, and only record series.")
@click.option(
    "--estimate",
    metavar="BASELINE",
    help="Instead of rules, print what a fleet that serves this baseline costs Prometheus.",
)
@click.option(
    "--replicas",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of replicas, for --estimate.",
)
@click.option("--kubernetes", is_flag=True, help="Print a PrometheusRule for the operator.")
@click.option("--name", default="boxkite", show_default=True, help="Name of the PrometheusRule.")
@click.option("--namespace", help="Namespace of the PrometheusRule.")
@_pairs_option("--label", "NAME=VALUE", "Add a label to the PrometheusRule. Repeatable.")
def rules_command(
    window: str,
    slow_window: str,
    quality_windows: str,
    by: list[str] | None,
    interval: str | None,
    scrape_interval: str | None,
    runbook: str | None,
    alert_label: Mapping[str, str],
    severity: Mapping[str, str],
    without: tuple[str, ...],
    no_alerts: bool,
    estimate: str | None,
    replicas: int,
    kubernetes: bool,
    name: str,
    namespace: str | None,
    label: Mapping[str, str],
) -> None:
    """Print the Prometheus rules. One file serves every model.

    The services export their policy: how many false alarms they allow, and which differences
    matter. Set it there, with Boxkite(app, policy=Policy(...)). The policy must have the windows of
    the rules. If it has not, BoxkitePolicyDiffers fires.

    \b
    Example:
      boxkite rules > boxkite.rules.yml && promtool check rules boxkite.rules.yml
      boxkite rules --window 30m --slow-window 6h
      boxkite rules --by env --severity critical=page --alert-label team=ml
      boxkite rules --kubernetes --label release=prometheus | kubectl apply --server-side -f -
      boxkite rules --estimate histogram.prom --replicas 50
    """
    windows = [window] if slow_window == "none" else [window, slow_window]
    of_quality = [] if quality_windows == "none" else quality_windows.split(",")
    if estimate is not None:
        scrape_seconds = parse_duration(scrape_interval or "15s")
        baseline = read_baseline(estimate)
        click.echo(cost_table(Fleet(baseline, replicas, windows, scrape_seconds, of_quality)))
        return
    options = RuleOptions(
        environment=environment_labels(by),
        interval=interval,
        scrape_interval=scrape_interval,
        runbook=runbook,
        alert_labels=alert_label,
        severities=severity,
        without=frozenset(without),
        alerts=not no_alerts,
    )
    rules = render_rules(
        windows=windows,
        quality_windows=of_quality,
        options=options,
    )
    if kubernetes:
        rules = RuleObject(name=name, namespace=namespace, labels=label).render(rules)
    click.echo(rules, nl=False)
