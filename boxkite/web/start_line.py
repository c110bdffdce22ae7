"""The line that a service logs at its start: what is monitored, and where it goes."""

from __future__ import annotations

import logging

from boxkite.monitor import Monitor
from boxkite.settings import Settings
from boxkite.system.safe_url import safe_url

__all__ = ["start_line", "usual_logger"]

_SERVERS = ("uvicorn.error", "gunicorn.error", "hypercorn.error")
_DAY = 86400.0


def start_line(monitor: Monitor) -> str:
    """Return the line about one monitor. It shows no secret of a URL."""
    baseline, settings = monitor.baseline, monitor.settings
    variables = f"{_number(len(baseline.features), 'feature')} and " + _number(
        len(baseline.outputs), "output"
    )
    missing = _missing(monitor)
    model = f"model {baseline.model!r}, version {baseline.version!r}"
    parts = [
        f"boxkite monitors {model}: {variables}, {_number(baseline.rows, 'training row')}",
        f"metrics at {settings.metrics_path}" if settings.metrics_path else "no metrics page",
        _log(monitor),
        f"state in {monitor.state_place}",
        *_labels(settings),
        *([f"missing: {', '.join(missing)}"] if missing else []),
    ]
    return "; ".join(parts)


def usual_logger(names: tuple[str, ...] = _SERVERS) -> logging.Logger:
    """Return the logger of the server if one runs, otherwise boxkite's own.

    The loggers of a framework or of boxkite show no INFO until the service configures them.
    """
    for name in names:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(logging.INFO) and logger.hasHandlers():
            return logger
    return logging.getLogger("boxkite")


def _log(monitor: Monitor) -> str:
    place = monitor.log_url or monitor.log_name
    if place is None:
        return "no log"
    return f"log in {safe_url(place)} ({_content(monitor.settings)})"


def _content(settings: Settings) -> str:
    """Return what the log contains, and for how long."""
    content = "all fields" if settings.log_unknown else "the baseline's variables"
    if settings.log_request_body:
        content += " and request bodies"
    if settings.log_redact:
        content += f" without {', '.join(settings.log_redact)}"
    if settings.log_sample < 1:
        content += f", {100 * settings.log_sample:.3g} % of predictions"
    days = settings.log_ttl / _DAY
    return f"{content}, kept for {days:.3g} days" if days else content


def _labels(settings: Settings) -> list[str]:
    days = settings.outcome_ttl / _DAY
    return [f"predictions wait {days:.3g} days for labels"] if days else []


def _missing(monitor: Monitor) -> list[str]:
    if not monitor.baseline.variables:
        return ["a baseline (set BASELINE), so nothing is compared with training"]
    return [
        f"the {part} in the baseline"
        for part, there in (
            ("features", monitor.baseline.features),
            ("output", monitor.baseline.outputs),
        )
        if not there
    ]


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
