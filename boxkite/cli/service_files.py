"""The files of a template service: a small application, its image and its Kubernetes manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from boxkite.errors import ConfigError
from boxkite.prometheus.rules import RuleObject, render_rules

__all__ = ["FRAMEWORKS", "service_files"]

FRAMEWORKS = ("flask", "fastapi")
"""Frameworks for which there is a template."""

_SUFFIX = ".template"

# Kubernetes allows 63 characters in a label, and a Deployment adds up to 17 for the name of a pod.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,44}[a-z0-9])?")


@dataclass(frozen=True)
class _Framework:
    """How the files differ between frameworks.

    Attributes:
        title: Name of the framework in a text.
        prefix: Start of the environment variables of boxkite's settings.
        serve: Command that starts the service on the developer's machine.
    """

    title: str
    prefix: str
    serve: str


_FRAMEWORKS = {
    "flask": _Framework(
        "Flask", "FLASK_BOXKITE_", "gunicorn --workers 2 --bind 127.0.0.1:8000 app:app"
    ),
    "fastapi": _Framework("FastAPI", "BOXKITE_", "uvicorn --workers 2 --port 8000 app:app"),
}


def service_files(framework: str, name: str) -> dict[str, str]:
    """Return the text of each file of a service by its path in the service's folder.

    Args:
        framework: One of `FRAMEWORKS`.
        name: Name of the model, the image and the Kubernetes objects.

    Raises:
        ConfigError: if Kubernetes does not allow the name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name Kubernetes objects: give a name of lower-case letters, digits "
            "and dashes by --name, which begins with a letter and has at most 46 characters"
        )
    chosen = _FRAMEWORKS[framework]
    words = {
        "name": name,
        "framework": chosen.title,
        "prefix": chosen.prefix,
        "serve": chosen.serve,
        "version": metadata.version("boxkite"),
    }
    folder = resources.files("boxkite.cli").joinpath("service_template")
    files = {
        path.removesuffix(_SUFFIX): _filled(text, words)
        for part in ("both", framework)
        for path, text in _texts(folder.joinpath(part))
    }
    return {**files, **_monitoring_files()}


def _monitoring_files() -> dict[str, str]:
    """Return the rules and the dashboard, which are the same for every service."""
    dashboard = resources.files("boxkite.prometheus").joinpath("dashboard.json")
    return {
        "monitoring/prometheus-rule.yaml": RuleObject().render(render_rules()),
        "monitoring/boxkite.json": dashboard.read_text("utf-8"),
    }


def _texts(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file in a folder of the template."""
    for entry in folder.iterdir():
        path = f"{above}{entry.name}"
        if entry.is_dir():
            yield from _texts(entry, f"{path}/")
        else:
            yield path, entry.read_text("utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    """Return a text with words in place of the fields, such as `{{ name }}`."""
    return re.sub(r"{{ (\w+) }}", lambda field: words[field[1]], text)
