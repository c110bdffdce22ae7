"""`flask boxkite`: the commands of boxkite, about the application's models."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from boxkite.cli import main_of_service

__all__ = ["boxkite"]


@click.command(
    # Help and options are those of the commands themselves, which are loaded only when asked for:
    # each start of `flask` loads this module.
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def boxkite(arguments: tuple[str, ...]) -> None:
    """Compare the application's data with that of its training."""
    models = current_app.extensions.get("boxkite_models")
    if not models:
        raise click.UsageError(
            f"application {current_app.name!r} has no Boxkite: call Boxkite(app) where it is made"
        )
    main_of_service(models, arguments, "flask boxkite")
