"""The commands of a service, which take the baseline, the log and the policy from its settings."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from boxkite.cli.commands import boxkite
from boxkite.cli.group import CommandGroup
from boxkite.cli.label_options import quality_options_of
from boxkite.cli.policy_options import options_of
from boxkite.cli.quality_command import quality_command
from boxkite.errors import ConfigError
from boxkite.monitor import Monitor

__all__ = ["service_commands"]


def service_commands(models: Mapping[str, Monitor], program: str) -> click.Group:
    """Return the commands of `boxkite` without the arguments BASELINE and URL, and `quality`.

    Args:
        models: Monitors of the service by model.
        program: Name of the program, such as "flask boxkite", for the examples in help texts.
    """
    model = click.Option(
        ["--model"],
        type=click.Choice(list(models)),
        default=next(iter(models)),
        show_default=True,
        help="Model that the command is about.",
    )

    @click.pass_context
    def choose(context: click.Context, model: str) -> None:
        monitor = models[model]
        context.obj = monitor
        context.default_map = _defaults(model, monitor)
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    group = CommandGroup(
        callback=choose,
        params=[model],
        help="Find out whether the data that this service meets still resembles its training data.",
        invoke_without_command=True,
        context_settings=boxkite.context_settings,
    )
    for name, command in {**boxkite.commands, "quality": quality_command}.items():
        group.add_command(_of_service(command, program), name)
    return group


def _defaults(model: str, monitor: Monitor) -> dict[str, Any]:
    """Return the options of each command whose defaults come from the service's settings."""
    endpoint = {"endpoint": monitor.settings.endpoint_id}
    policy = options_of(monitor.policy)
    quality = quality_options_of(monitor.policy.quality)
    false_alarms = monitor.policy.quality.false_alarms_per_month
    return {
        "baseline": {"model": model},
        "logs": {"ls": endpoint, "cat": endpoint, "prune": endpoint},
        "design-effect": endpoint,
        "outcomes": {**endpoint, **quality, "false_alarms_per_month": false_alarms},
        "compare": policy,
        "report": {**policy, **quality},
    }


def _of_service(command: click.Command, program: str) -> click.Command:
    """Return a copy of a command that takes arguments from the monitor, with matching examples."""
    command = copy.copy(command)
    command.help = (command.help or "").replace("  boxkite ", f"  {program} ")
    if isinstance(command, click.Group):
        command.commands = {k: _of_service(each, program) for k, each in command.commands.items()}
        command.help = _IN_EXAMPLES["url"].sub("", command.help)
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.name in _FROM_MONITOR:
            command.params = [each for each in command.params if each is not parameter]
            command.callback = _with_argument(command.callback, parameter.name)
            command.help = _DESCRIPTIONS[parameter.name].sub("", command.help)
            command.help = _IN_EXAMPLES[parameter.name].sub("", command.help)
    return command


def _with_argument(callback: Callable[..., Any] | None, name: str) -> Callable[..., Any]:
    """Wrap a command's callback so that one argument comes from the monitor."""
    assert callback is not None

    @click.pass_obj
    def with_argument(monitor: Monitor, /, **options: Any) -> Any:
        return callback(**{name: _FROM_MONITOR[name](monitor)}, **options)

    return with_argument


def _log_url(monitor: Monitor) -> str:
    if monitor.log_url is None:
        raise ConfigError(
            "the service has no log with a URL: set LOG, or give a URL to `boxkite logs`"
        )
    return monitor.log_url


# The sentence that describes each argument in help texts.
_DESCRIPTIONS = {
    "baseline": re.compile(r"BASELINE is .*?\.prom\.\s*", re.DOTALL),
    "url": re.compile(r"URL is [^.]*\.\s*"),
}

# How each argument appears in the examples of help texts.
_IN_EXAMPLES = {
    "baseline": re.compile(r" histogram\.prom"),
    "url": re.compile(r" (s3:/|/var)/\S+"),
}

# How to read the value of each argument from a service.
_FROM_MONITOR: dict[str, Callable[[Monitor], Any]] = {
    "baseline": lambda monitor: monitor.baseline,
    "url": _log_url,
}
