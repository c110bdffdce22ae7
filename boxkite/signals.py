"""Blinker signals, for code that wants to know what the monitor does.

The sender is the application that `Boxkite(app)` set up, or a monitor that was made without one;
`monitor` is always given. A receiver that raises is reported and does not disturb the prediction
or the other receivers.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from blinker import Namespace, Signal

from boxkite.error_reporter import ErrorReporter

__all__ = ["baseline_loaded", "drift_changed", "emit", "log_dropped", "prediction_logged"]

_namespace = Namespace()

prediction_logged = _namespace.signal("prediction-logged")
"""Sent after each prediction, with `prediction_id`, `features` and `output`."""

log_dropped = _namespace.signal("log-dropped")
"""Sent when predictions will never be in the log, with their `number` and the `reason`; in the
background."""

baseline_loaded = _namespace.signal("baseline-loaded")
"""Sent when a monitor has read its baseline, with `baseline`."""

drift_changed = _namespace.signal("drift-changed")
"""Sent when variables begin or cease to drift, with the `window`, the `comparison` of it, and
`changed`, those of its variables whose verdict is another than before; in the background of one of
the service's workers, at the first prediction of an hour."""


def emit(signal: Signal, sender: Any, reporter: ErrorReporter, **values: Any) -> None:
    """Call each receiver of a signal; one that raises is reported and passed over."""
    if signal.is_muted:
        return
    for receiver in signal.receivers_for(sender):
        try:
            started = receiver(sender, **values)
            if iscoroutine(started):
                started.close()
                raise TypeError("a receiver that is async is not awaited; make it a function")
        except Exception as error:  # noqa: BLE001 - a receiver is the user's code
            name = getattr(receiver, "__qualname__", type(receiver).__qualname__)
            reporter.report("signal", error, f"receiver {name}")
