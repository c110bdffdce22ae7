"""Says what a job should do instead of showing a page of counters once."""

from __future__ import annotations

import atexit
import logging
import weakref

__all__ = ["FinishedPage"]

_logger = logging.getLogger("boxkite")


class FinishedPage:
    """The page of a process that may end after it showed the page once.

    Prometheus takes the rows of a window from the difference between two scrapes. A job pushes its
    page once, and the next run starts again at 0. So the rules find no rows, or the wrong ones, and
    call them drift. A service is scraped many times, and gets no remark.
    """

    def __init__(self) -> None:
        self._times = 0
        self._predictions = 0
        _pages.add(self)

    def counted(self, predictions: int) -> None:
        """Remember how many predictions a page shows."""
        self._predictions = predictions

    def shown(self) -> None:
        """Remember that the page was handed out."""
        self._times += 1

    def end(self) -> None:
        """Log a remark if the page was shown once, with predictions."""
        times, self._times = self._times, 0
        if times == 1 and self._predictions:
            _logger.warning(
                "boxkite export: this process showed its metrics once, with %d predictions, and "
                "ends. Prometheus cannot judge counters of a finished process: pushed to a "
                "Pushgateway, they read as false drift. In a job, write the verdict instead: "
                "boxkite compare BASELINE ROWS --metrics FILE, or "
                "compare(baseline, rows).write_metrics(path)",
                self._predictions,
            )


# A job seldom closes its monitor, so the remark must not depend on that. The set keeps no page of a
# monitor that is gone.
_pages: weakref.WeakSet[FinishedPage] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for page in list(_pages):
        page.end()
