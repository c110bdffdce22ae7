"""Blinker signals for code that reacts to events of a monitor.

The sender is the application that `Boxkite(app)` set up, or the monitor itself if it was created
without an application. Every signal has the argument `monitor`. If a receiver raises, the error is
reported, and the prediction and the other receivers are not affected.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

from blinker import Namespace, Signal

from boxkite.error_reporter import ErrorReporter

__all__ = ["EventSender", "baseline_loaded", "drift_changed", "log_dropped", "prediction_logged"]

_namespace = Namespace()

prediction_logged = _namespace.signal("prediction-logged")
"""Sent after each prediction, with `prediction_id`, `features` and `output`."""

log_dropped = _namespace.signal("log-dropped")
"""Sent in the background when predictions will never be in the log.

Arguments: the `number` of predictions and the `reason`.
"""

baseline_loaded = _namespace.signal("baseline-loaded")
"""Sent when a monitor has read its baseline, with `baseline`."""

drift_changed = _namespace.signal("drift-changed")
"""Sent in the background when variables start or stop to differ from training.

Arguments: the `window`, the `segment` such as "carrier=UA" (empty for all rows), the `comparison`
of these rows, and `changed`, the variables of the comparison whose status is new. `has_changed`
says whether they drift or have a changed rate now. Drift in a window shorter than the longest of
the policy counts only if the baseline was fitted with `time=`. One worker of the service sends it,
at the first prediction of an hour.
"""


class EventSender:
    """Send the signals of one monitor.

    Args:
        monitor: the argument `monitor` of each signal.
        sender: returns the application that sends the signals, or None for the monitor.
        reporter: reports receivers that raise.
    """

    def __init__(
        self, monitor: object, sender: Callable[[], object], reporter: ErrorReporter
    ) -> None:
        self._monitor = monitor
        self._sender = sender
        self._reporter = reporter

    def baseline_loaded(self, baseline: object) -> None:
        """Send `baseline_loaded`."""
        self._send(baseline_loaded, baseline=baseline)

    def prediction_logged(self, prediction_id: str, features: Any, output: Any) -> None:
        """Send `prediction_logged`."""
        self._send(prediction_logged, prediction_id=prediction_id, features=features, output=output)

    def log_dropped(self, number: int, reason: str) -> None:
        """Report that log records are lost, and send `log_dropped`."""
        self._reporter.count("log", BufferError(f"{number:,} records were not logged: {reason}"))
        self._send(log_dropped, number=number, reason=reason)

    @property
    def is_drift_awaited(self) -> bool:
        """Whether a receiver of `drift_changed` is connected to this sender."""
        # blinker drops the receivers of a garbage-collected object only when it looks them up.
        return next(iter(drift_changed.receivers_for(self._source)), None) is not None

    def drift_changed(self, window: str, segment: str, comparison: object, changed: object) -> None:
        """Send `drift_changed`."""
        self._send(
            drift_changed, window=window, segment=segment, comparison=comparison, changed=changed
        )

    @property
    def _source(self) -> object:
        sender = self._sender()
        return self._monitor if sender is None else sender

    def _send(self, signal: Signal, **values: Any) -> None:
        if signal.is_muted:
            return
        sender = self._source
        # Do not use `signal.send`, which stops at the first receiver that raises.
        for receiver in signal.receivers_for(sender):
            try:
                result = receiver(sender, monitor=self._monitor, **values)
                if iscoroutine(result):
                    result.close()
                    raise TypeError(
                        "The receiver is an async function, which is never awaited. Make it a "
                        "plain function."
                    )
            except Exception as error:  # noqa: BLE001 - a receiver is any code of the user's
                name = getattr(receiver, "__qualname__", type(receiver).__qualname__)
                self._reporter.report("signal", error, f"receiver {name}")
