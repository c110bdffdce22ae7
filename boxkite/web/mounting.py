"""Mount the pages of a model in its application."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY

from boxkite.monitor import Monitor
from boxkite.web.drift_page import DriftPage, ShownModel
from boxkite.web.framework import Application
from boxkite.web.metrics_page import MetricsPage
from boxkite.web.models import Models
from boxkite.web.options import Options
from boxkite.web.protection import Protection

__all__ = ["mount_drift", "mount_metrics"]

_DEBUG_PATH = "/drift"


def mount_metrics(
    application: Application[Any], models: Models, monitor: Monitor, options: Options
) -> MetricsPage | None:
    """Return the page of metrics that a monitor will join, and mount it if it is new.

    Args:
        application: The application.
        models: The application's models, which know its pages.
        monitor: The monitor. Its setting `METRICS_PATH` is the path; empty for no page.
        options: The options of the extension.

    Raises:
        ConfigError: if the path is taken, or the options contradict those of the page.
    """
    path = monitor.settings.metrics_path
    if not path:
        return None
    protection = _protection(monitor, options)
    page = models.pages.get(path)
    if page is None:
        page = MetricsPage(path, protection, options.get("registry", REGISTRY), application)
    page.check(monitor, protection, options.get("registry"))
    if path not in models.pages:
        page.refuse_path(application)
        application.mount(page)
    return page


def mount_drift(
    application: Application[Any], models: Models, monitor: Monitor, options: Options
) -> None:
    """Show a model on drift pages, and mount the page that its settings or debugging ask for.

    Debugging adds a page only if the application has none.

    Args:
        application: The application.
        models: The application's models, which know its pages.
        monitor: The monitor of the model. Its setting `DRIFT_PATH` is the path.
        options: The options of the extension.

    Raises:
        ConfigError: if the path that `DRIFT_PATH` names is taken.
    """
    asked = monitor.settings.drift_path
    path = _default_path(application, models) if asked is None else asked.rstrip("/")
    protection = _protection(monitor, options)
    if path and path not in models.drift_pages:
        page = DriftPage(path, protection, models.shown)
        page.refuse_path(application)
        application.mount(page)
        models.drift_pages[path] = page
    models.shown.append(ShownModel(monitor, protection, asked))


def _default_path(application: Application[Any], models: Models) -> str:
    """Return the path of the drift page if no setting names it; empty for no page."""
    # Nobody asked for this page, so it gives way to a route of the application.
    wanted = application.debug and not models.drift_pages
    return _DEBUG_PATH if wanted and application.route_at(_DEBUG_PATH) is None else ""


def _protection(monitor: Monitor, options: Options) -> Protection:
    return Protection(monitor.settings.metrics_token, options.get("authorize"))
