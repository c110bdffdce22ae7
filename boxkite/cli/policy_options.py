"""The options that make up a policy, for every command that judges drift."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from boxkite.cli.shared_options import FiniteRange
from boxkite.drift import Policy, VariablePolicy
from boxkite.system.type_guards import is_tuple

__all__ = ["options_of", "policy_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FORM = "NAME:min-effect=0.2,min-moved=0.05"
_FLOORS = ("min-effect", "min-moved", "min-rate")
_DEFAULT = Policy()


class _VariableFloors(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from 8.4 on
    """A variable's name and its floors, such as dest:min-effect=0.2,min-moved=0.05."""

    name = "floors"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, VariablePolicy]:
        """Return the name and the floors. Defaults from a service's policy are already converted.

        Raises:
            click.BadParameter: If the text has another form.
        """
        if is_tuple(value):
            return value[0], value[1]
        # A name may contain colons, but floors never do.
        name, colon, texts = str(value).rpartition(":")
        if not (name and colon and texts):
            self.fail(f"{value!r} is not of the form {_FORM}.", param, ctx)
        floors: dict[str, float] = {}
        for text in texts.split(","):
            floor, equals, number = text.partition("=")
            if not equals:
                self.fail(f"{text!r} is not of the form min-effect=0.2.", param, ctx)
            if floor not in _FLOORS:
                nearest = difflib.get_close_matches(floor, _FLOORS, n=1, cutoff=0)[0]
                self.fail(f"{floor!r} is not a floor. Did you mean {nearest!r}?", param, ctx)
            floors[floor.replace("-", "_")] = FiniteRange(min=0).convert(number, param, ctx)
        return name, VariablePolicy(**floors)


def _number_option(name: str, kind: FiniteRange, text: str) -> Callable[[Command], Command]:
    default = getattr(_DEFAULT, name.replace("-", "_"))
    return click.option(
        f"--{name}", type=kind, metavar="NUMBER", default=default, show_default=True, help=text
    )


_NUMBERS = {
    "false_alarms_per_month": _number_option(
        "false-alarms-per-month",
        FiniteRange(min=0, min_open=True),
        "Expected number of false alarms per model in 30 days.",
    ),
    "min_effect": _number_option("min-effect", FiniteRange(min=0), "Smallest PSI that matters."),
    "min_moved": _number_option(
        "min-moved",
        FiniteRange(min=0, max=1),
        "Smallest fraction of rows that matters when they move into or out of one bin or category.",
    ),
    "min_rate": _number_option(
        "min-rate",
        FiniteRange(min=0, max=1),
        "Smallest change of the rate of missing, invalid, unseen or outside rows that matters.",
    ),
    "min_rows_a_cell": _number_option(
        "min-rows-a-cell",
        FiniteRange(min=0, min_open=True),
        "Fewest rows per bin or category, on average, for a verdict by PSI.",
    ),
    "design_effect": _number_option(
        "design-effect",
        FiniteRange(min=1),
        "Observed rows per independent row. Raise it if requests come in bursts.",
    ),
}

_VARIABLES = {
    "own_floors": click.option(
        "--variable",
        "own_floors",
        type=_VariableFloors(),
        multiple=True,
        metavar=_FORM,
        help="Set --min-effect, --min-moved or --min-rate for one variable. Repeatable.",
    ),
    "no_alert": click.option(
        "--no-alert",
        multiple=True,
        metavar="NAME",
        help="Variable that never counts as changed, such as an id. Repeatable.",
    ),
}


def policy_options(command: Command) -> Command:
    """Add the options of a policy, and pass the command a `policy`."""
    options: dict[str, Callable[[Any], Any]] = {**_NUMBERS, **_VARIABLES}

    @functools.wraps(command)
    def with_policy(*arguments: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in options}
        variables = _variables(given.pop("own_floors"), given.pop("no_alert"))
        return command(*arguments, policy=Policy(**given, variables=variables), **values)

    found: Any = with_policy
    for option in reversed(list(options.values())):
        found = option(found)
    return found  # type: ignore[no-any-return]


def _variables(
    own_floors: Sequence[tuple[str, VariablePolicy]], no_alert: Sequence[str]
) -> dict[str, VariablePolicy | None]:
    found: dict[str, VariablePolicy | None] = {}
    for name, floors in (*own_floors, *((each, None) for each in no_alert)):
        if name in found:
            raise click.UsageError(f"--variable and --no-alert name {name!r} more than once")
        found[name] = floors
    return found


def options_of(policy: Policy) -> dict[str, Any]:
    """Return the values of the options that make up a policy, by the names of the parameters."""
    return {
        **{name: getattr(policy, name) for name in _NUMBERS},
        "own_floors": [(name, each) for name, each in policy.variables.items() if each],
        "no_alert": [name for name, each in policy.variables.items() if each is None],
    }
