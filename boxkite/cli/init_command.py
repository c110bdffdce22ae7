"""`boxkite init`: a template service, from training to the alert."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

import click

from boxkite.cli.service_files import FRAMEWORKS, service_files
from boxkite.errors import ConfigError

__all__ = ["init_command"]


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--framework", type=click.Choice(FRAMEWORKS), required=True, help="Framework of the service."
)
@click.option(
    "--name",
    help="Name of the model, the image and the Kubernetes objects. [default: the folder's name]",
)
def init_command(folder: Path, framework: str, name: str | None) -> None:
    """Write a template service with its manifests.

    FOLDER gets an application, a Dockerfile and Kubernetes manifests. The service runs with a small
    model, which you replace by yours. If FOLDER has a file of the same name, the command writes
    nothing.

    \b
    Example:
      boxkite init delivery --framework fastapi
      boxkite init . --framework flask --name churn
    """
    files = service_files(framework, name or Path(os.path.abspath(folder)).name)
    _require_absent(folder, files)
    for path, text in files.items():
        _write_new(folder / path, text)
    click.echo(f"wrote a {framework} service into {folder}:\n")
    for path in sorted(files):
        click.echo(f"  {path}")
    click.echo(f"\nNext: cd {shlex.quote(str(folder))} && cat README.md")


def _require_absent(folder: Path, paths: Iterable[str]) -> None:
    """Raise an error if a file of the service exists already, before anything is written."""
    present = [path for path in sorted(paths) if os.path.lexists(folder / path)]
    if present:
        raise ConfigError(
            f"'{folder}' has {', '.join(present)} already, and nothing is overwritten: "
            "name another folder"
        )


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The mode "x" fails if another program has created the file in the meantime.
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
