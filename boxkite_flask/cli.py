"""`flask boxkite`: the commands of boxkite for the application's models."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from boxkite.cli import main_of_service

__all__ = ["boxkite"]


@click.command(
    # Each start of `flask` loads this module. So the commands, with their help and options, are
    # loaded only when they run.
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def boxkite(arguments: tuple[str, ...]) -> None:
    """Compare the application's data with the data that its models were trained on."""
    models = current_app.extensions.get("boxkite_models")
    if not models:
        raise click.UsageError(
            f"application {current_app.name!r} has no Boxkite; call Boxkite(app) where it is made"
        )
    main_of_service(models, arguments, "flask boxkite")
