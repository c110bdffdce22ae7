"""This process among the workers of its service: its own worker, and the counts of the others."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.live.history import History
from boxkite.live.population import Population
from boxkite.live.worker import Worker

__all__ = ["Membership"]


class Membership:
    """A worker's place in its population's folder.

    Args:
        folder: of the population; made where it is missing.
        baseline: whose cells are counted.
        new_worker: makes this process's worker in a folder.
        report: called with what goes wrong and is gone round.

    Attributes:
        worker: of this process.
        population: all workers.

    Raises:
        OSError: if the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        new_worker: Callable[[Path], Worker],
        report: Callable[[Exception], Any],
    ) -> None:
        self._baseline = baseline
        self._new_worker = new_worker
        self._report = report
        self.population = Population(folder, baseline, report)
        self.worker = new_worker(folder)
        self.history = History(folder, baseline)
        self._others = Counts.zero(baseline)

    def others(self) -> Counts:
        """Adopt the dead, and return the counts of all workers but this one; as they were last,
        where they cannot be read."""
        try:
            self.population.adopt(self.worker.id)
            others = self.population.others(self.worker.id)
            # Fewer than before: the folder was deleted, and not all have noticed yet.
            if others.predictions >= self._others.predictions:
                self._others = others
        except (OSError, ValueError) as error:
            self._report(error)
        return self._others

    def keep_hour(self, totals: Callable[[], Counts]) -> None:
        """Keep the counts of all workers as they are at the beginning of an hour."""
        try:
            self.history.keep(totals)
        except OSError as error:
            self._report(error)

    def is_at_home(self) -> bool:
        """Tell whether the state is where others find it. A run's own folder goes when it ends;
        then no new one is made."""
        ending = not threading.main_thread().is_alive()
        return ending or (self.worker.is_at_home() and self.population.is_at_home())

    def move_house(self, errors: list[int]) -> list[bytes]:
        """Take a new folder with the same counts where somebody deleted the old one.

        Args:
            errors: failures of monitoring by stage.

        Returns:
            The records that are counted and not shipped: no file holds them any more.

        Raises:
            OSError: if it cannot be made.
        """
        old = self.worker
        old.journal.close()
        old.fold(errors)
        folder = self.population.folder
        self._report(FileNotFoundError(f"{old.folder} was deleted"))
        self.population = Population(folder, self._baseline, self._report, self.population)
        moved = self._new_worker(folder)
        # Nobody may count both, if not all of the old one was deleted.
        shutil.rmtree(old.folder, ignore_errors=True)
        moved.fold(errors, old.counts)
        self.worker = moved
        unshipped = old.unshipped()
        old.abandon()
        return unshipped

    def sync(self) -> None:
        """Write everything to the disk.

        Raises:
            OSError: if the disk fails.
        """
        self.worker.sync()
        self.population.retired.sync()
