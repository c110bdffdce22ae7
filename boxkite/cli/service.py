"""The commands about the models of one service: what they need is taken from its settings."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from boxkite.cli.commands import boxkite
from boxkite.cli.group import CommandGroup
from boxkite.errors import ConfigError
from boxkite.monitor import Monitor

__all__ = ["service_commands"]

_OF_POLICY = ("false_alarms_per_month", "min_effect", "design_effect")


def service_commands(models: Mapping[str, Monitor], program: str) -> click.Group:
    """Return the commands without their arguments BASELINE and URL, which the service has.

    Args:
        models: the service's monitors by model.
        program: what stands before a command, as examples have it.
    """
    model = click.Option(
        ["--model"],
        type=click.Choice(list(models)),
        default=next(iter(models)),
        show_default=True,
        help="The model that the command is about.",
    )

    @click.pass_context
    def choose(context: click.Context, model: str) -> None:
        monitor = models[model]
        context.obj = monitor
        endpoint = {"endpoint": monitor.settings.endpoint_id}
        policy = {name: getattr(monitor.policy, name) for name in _OF_POLICY}
        context.default_map = {
            "baseline": {"model": model},
            "logs": {"ls": endpoint, "cat": endpoint, "prune": endpoint},
            "design-effect": endpoint,
            "compare": policy,
            "report": policy,
        }
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    group = CommandGroup(
        callback=choose,
        params=[model],
        help="Compare the data that the service's model was trained on with the data it meets.",
        invoke_without_command=True,
        context_settings=boxkite.context_settings,
    )
    for name, command in boxkite.commands.items():
        group.add_command(_of_service(command, program), name)
    return group


def _of_service(command: click.Command, program: str) -> click.Command:
    """Return a copy of a command that takes from the monitor what it has."""
    command = copy.copy(command)
    command.help = (command.help or "").replace("  boxkite ", f"  {program} ")
    if isinstance(command, click.Group):
        command.commands = {k: _of_service(each, program) for k, each in command.commands.items()}
        command.help = _SOURCE["url"].sub("", command.help)
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.name in _FROM_MONITOR:
            command.params = [each for each in command.params if each is not parameter]
            command.callback = _given(command.callback, parameter.name)
            command.help = _SOURCE[parameter.name].sub("", command.help)
    return command


def _given(callback: Callable[..., Any] | None, name: str) -> Callable[..., Any]:
    assert callback is not None

    @click.pass_obj
    def with_argument(monitor: Monitor, /, **options: Any) -> Any:
        return callback(**{name: _FROM_MONITOR[name](monitor)}, **options)

    return with_argument


def _log_url(monitor: Monitor) -> str:
    if monitor.log_url is None:
        raise ConfigError("the service has no log, or none with a URL; `boxkite logs` takes one")
    return monitor.log_url


_SOURCE = {
    "baseline": re.compile(r" histogram\.prom"),
    "url": re.compile(r" (s3:/|/var)/\S+"),
}
"""What the examples have for an argument that a service gives."""

_FROM_MONITOR: dict[str, Callable[[Monitor], Any]] = {
    "baseline": lambda monitor: monitor.baseline,
    "url": _log_url,
}
"""Arguments of the commands, and where a service has them."""
