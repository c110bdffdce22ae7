"""A log to compact, and a store that fails at any of its operations."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from boxkite.live.log_context import LogContext
from boxkite.logs.compaction.compactor import Compacted, Compactor
from boxkite.logs.log_record import LogRecord
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.store import Store, StoredFile

DAY = dt.date(2026, 11, 23)


class Log:
    """A log in a folder, with what must be in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = LocalStore(folder)
        self.expected: list[str] = []

    def write(
        self, *ids: str, time: str = "09:00:00", logger: str = "w1", endpoint: str = "flights",
        minutes: int = 1,
    ) -> None:  # fmt: skip
        """Log predictions, one microsecond after the other. An id that is there is a copy."""
        context = LogContext(
            sink="file:", server_id="s", endpoint_id=endpoint, logger_id=logger, replica_id="pod",
            model="m", version="1",
        )  # fmt: skip
        sink = FilesSink(self.store, "file", None, None, minutes)
        records = [_record(context, each, f"{time}.{ord(each[0]):06d}") for each in ids]
        sink.deliver(Batch(context, records))
        self.expected = sorted({*self.expected, *ids})

    def read(self, **part: Any) -> list[str]:
        """Return the ids of all predictions, as a reader gives them."""
        log = LogReader.open(str(self.folder), **part)
        return [json.loads(line)["entity_id"] for line, _ in log.predictions()]

    def compact(self, store: Store | None = None, **options: Any) -> list[Compacted]:
        """Compact the day."""
        return list(Compactor(store or self.store, print).compact(DAY, **options))

    def files(self, pattern: str) -> list[str]:
        """Return the names of files."""
        return sorted(path.name for path in self.folder.rglob(pattern))


def _record(context: LogContext, entity_id: str, time: str) -> LogRecord:
    created_at = f"{DAY}T{time}Z"
    return LogRecord(
        prediction_id=f"s/{created_at[:19]}/{entity_id}",
        entity_id=entity_id,
        server_id="s",
        endpoint_id=context.endpoint_id,
        model="m",
        version="1",
        created_at=created_at,
        features={"x": float(ord(entity_id[0]))},
        output=0.5,
    )


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log of seven predictions in four files, one of them delivered twice."""
    log = Log(tmp_path / "log")
    log.write("c", "a")
    log.write("b", "a", logger="w2")
    log.write("d", "e", time="09:01:00")
    log.write("g", "f", time="23:59:59", minutes=60)
    return log


class Stopped(BaseException):
    """Ends a compaction as a kill would, without any handler of an error."""


class StoppingStore:
    """A store that stops the program before or after its n-th change, or calls a function there.

    Attributes:
        changes: number of changes so far.
    """

    def __init__(
        self, store: Store, number: int, act: Callable[[], object], *, after: bool
    ) -> None:
        self._store = store
        self._number = number
        self._act = act
        self._after = after
        self.changes = 0

    def _change(self, verb: Callable[..., Any], *arguments: Any) -> Any:
        self.changes += 1
        if self.changes == self._number and not self._after:
            self._act()
        result = verb(*arguments)
        if self.changes == self._number and self._after:
            self._act()
        return result

    def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
        return self._change(self._store.put_new, path, pieces)  # type: ignore[no-any-return]

    def remove(self, path: str) -> None:
        self._change(self._store.remove, path)

    def keeps_existing_files(self) -> bool:
        return self._store.keeps_existing_files()

    def read(self, path: str) -> bytes:
        return self._store.read(path)

    def open(self, path: str) -> Any:
        return self._store.open(path)

    def list(self, prefix: str) -> Iterator[StoredFile]:
        return self._store.list(prefix)
