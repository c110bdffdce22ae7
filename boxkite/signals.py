"""Blinker signals, for code that wants to know what the monitor does.

A receiver that raises is reported and does not disturb the prediction or the other receivers.
"""

from __future__ import annotations

from typing import Any

from blinker import Namespace, Signal

from boxkite.trouble import Trouble

__all__ = ["baseline_loaded", "emit", "prediction_logged"]

_namespace = Namespace()

prediction_logged = _namespace.signal("prediction-logged")
"""Sent after each prediction, with `prediction_id`, `features` and `output`."""

baseline_loaded = _namespace.signal("baseline-loaded")
"""Sent when a monitor has read its baseline, with `baseline`."""


def emit(signal: Signal, sender: Any, trouble: Trouble, **values: Any) -> None:
    """Call each receiver of a signal; one that raises is reported and passed over."""
    for receiver in signal.receivers_for(sender):
        try:
            receiver(sender, **values)
        except Exception as error:  # noqa: BLE001 - a receiver is the user's code
            trouble.report("signal", error, f"receiver {receiver!r}")
