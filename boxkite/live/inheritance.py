"""Finds what dead workers have left to be shipped: of this service, and of runs before it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path

from boxkite.live.counter import Counter
from boxkite.live.leftover import TERMS, Leftover
from boxkite.live.peers import lock_if_dead
from boxkite.live.population import Population, put_away_merged
from boxkite.live.state import StateFolder
from boxkite.system.file_lock import release

__all__ = ["Inheritance"]

_FOLDER_BYTES = 16 << 10
"""Of a folder beside its segments: itself, and three small files."""


class Inheritance:
    """The folders of dead workers in which records of the log wait.

    Args:
        counter: of this process; it adopts the counts first.
        state: where populations are to be found, those of other baselines too.
        max_bytes: of all that the dead of one population may leave; the oldest is dropped then.
    """

    def __init__(self, counter: Counter, state: StateFolder, max_bytes: int) -> None:
        self._counter = counter
        self._state = state
        self._max_bytes = max_bytes

    def claim(self, accepts: Callable[[bytes], bool]) -> Generator[Leftover, None, None]:
        """Yield what waits, each locked until the next is asked for, the oldest first.

        Args:
            accepts: tells by the terms whether the caller's sink is the one it waits for.

        Raises:
            OSError: if folders cannot be read.
        """
        own = self._counter.adopt()
        for population in self._state.populations():
            mine = own is not None and population == own.folder
            # What is hidden is being made or removed.
            for folder in _found(population, "left-*" if mine else "[!.]*-*"):
                left = _locked(folder, accepts)
                if left is None:
                    continue
                with contextlib.closing(left):
                    if not mine and put_away_merged(folder):
                        continue  # its outcomes so far are counted, and it has another name now
                    if left.waiting(1, 1).contents:
                        yield left
                    if own is not None and mine and not left.waiting(1, 1).contents:
                        own.finish(left)

    def give_up_oldest(self) -> int:
        """Drop what the dead of this population have left beyond the bound; returns how much."""
        own = self._counter.adopt()
        if own is None:
            return 0
        folders = sorted(own.folder.glob("left-*"), reverse=True)
        dropped = size = 0
        for folder in folders:
            left = _locked(folder, lambda _: True)
            if left is None:
                continue
            with contextlib.closing(left):
                size += left.byte_size + _FOLDER_BYTES
                if size > self._max_bytes:
                    dropped += _given_up(left, own)
        return dropped


def _found(population: Path, pattern: str) -> list[Path]:
    """Return the folders of a population, the oldest first; none if it is gone."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(population.glob(pattern))
    return []


def _given_up(left: Leftover, population: Population) -> int:
    dropped = left.give_up() if left.waiting(1, 1).contents else 0
    population.finish(left)
    return dropped


def _locked(folder: Path, accepts: Callable[[bytes], bool]) -> Leftover | None:
    """Return a dead worker's records; None if it lives, has no log, or is another's to ship."""
    try:
        terms = (folder / TERMS).read_bytes()
        descriptor = lock_if_dead(folder) if accepts(terms) else None
    except (FileNotFoundError, NotADirectoryError):
        return None
    if descriptor is None:
        return None
    try:
        return Leftover(folder, descriptor)
    except OSError:
        release(descriptor)
        return None
