"""The SQLite database in which predictions wait for their labels."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from boxkite.system.file_lock import hold_lock, hold_shared_lock
from boxkite.system.forks import forks_wait

__all__ = [
    "DamagedDatabaseError",
    "Database",
    "FileDatabase",
    "MemoryDatabase",
    "OutcomeDatabaseError",
]

_NAME = "outcomes.db"
_LOCK = "outcomes.lock"
# Other processes hold the lock for milliseconds, unless they join a long backlog or are stopped.
_LOCK_SECONDS = 2.0
_FORMAT = 1

# `prediction` and `waiting` are sorted by time, so that new rows go to the end of the file and old
# ones are removed at its beginning. `outputs` is empty if the prediction's output was not valid.
# `arrived` is when the label of the outcome arrived, in nanoseconds since 1970. `result` is what a
# label counts as if its prediction never comes.
_SCHEMA = f"""
BEGIN;
CREATE TABLE prediction (
    second INTEGER, entity BLOB, outputs BLOB NOT NULL, segments BLOB NOT NULL,
    outcome REAL, arrived INTEGER,
    PRIMARY KEY (second, entity)
) WITHOUT ROWID;
CREATE TABLE waiting (
    second INTEGER, entity BLOB, outcome REAL NOT NULL, arrived INTEGER NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (second, entity)
) WITHOUT ROWID;
CREATE TABLE day (
    day INTEGER PRIMARY KEY, predictions INTEGER NOT NULL, paired BLOB, withdrawn BLOB
);
CREATE TABLE pairs (
    name TEXT, segment TEXT, content BLOB NOT NULL, PRIMARY KEY (name, segment)
) WITHOUT ROWID;
CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (
    worker TEXT PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
    joined_at INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
COMMIT;
"""

# Other errors have causes outside of the file, such as a full disk. boxkite's statements are
# correct, so they fail for these reasons only if the tables or their rows are not boxkite's.
_DAMAGED = (
    *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR),
    *(sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH),
)


class OutcomeDatabaseError(OSError):
    """The database cannot be used now. The labels stay in the journal."""


class DamagedDatabaseError(sqlite3.DatabaseError):
    """The database holds something that boxkite did not write."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Database(Protocol):
    """The database in a file, or one in memory."""

    def transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """Commit the changes of the `with` block together, or none of them."""
        ...


class MemoryDatabase:
    """A database in memory, for a process that has no folder, or that may not change it.

    Args:
        original: The database to copy. None begins with an empty one.
    """

    def __init__(self, original: sqlite3.Connection | None = None) -> None:
        with forks_wait():
            self._connection = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            # Python 3.13 warns of a connection that is garbage before it is closed.
            weakref.finalize(self, _close, self._connection)
            if original is not None:
                original.backup(self._connection)
            _check_format(self._connection)

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Commit the changes of the `with` block together, or none of them."""
        with forks_wait():
            yield from _transaction(self._connection)


class FileDatabase:
    """The database of a worker group, which all of its workers change.

    Each transaction opens the file anew. So a forked process never inherits a connection, which
    SQLite forbids to use, and a file that another program deleted is created again.

    A file lock keeps the workers apart. SQLite would wait for its own locks without letting other
    greenlets run.

    Args:
        folder: The group's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME
        self._lock = folder / _LOCK

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Commit the changes of the `with` block together, or none of them.

        Raises:
            OutcomeDatabaseError: If the database cannot be used. If it is damaged, it is set aside,
                and the next transaction begins with a new one.
            OSError: If the folder cannot be used, or another process holds the lock for too long.
        """
        with hold_lock(self._lock, _LOCK_SECONDS):
            try:
                with forks_wait(), contextlib.closing(self._open()) as connection:
                    yield from _transaction(connection)
            except sqlite3.DatabaseError as error:
                raise self._explained(error) from None

    @contextlib.contextmanager
    def copied(self) -> Generator[MemoryDatabase]:
        """Yield a copy in memory. This writes no file, so the folder may be read-only.

        The workers change nothing during the `with` block. So they remove no part of a journal that
        the copy has not joined.

        Raises:
            OutcomeDatabaseError: If the database cannot be read.
            OSError: If the folder cannot be read, or another process holds the lock for too long.
        """
        with contextlib.ExitStack() as stack:
            # Without a lock file, no worker has joined anything yet.
            with contextlib.suppress(FileNotFoundError):
                stack.enter_context(hold_shared_lock(self._lock, _LOCK_SECONDS))
            try:
                yield self._copy()
            except sqlite3.DatabaseError as error:
                problem = f"Cannot read labels in '{self.path}': {error}."
                raise OutcomeDatabaseError(problem) from None

    def _copy(self) -> MemoryDatabase:
        if not self.path.exists():
            return MemoryDatabase()
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        with forks_wait(), contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            return MemoryDatabase(connection)

    def _open(self) -> sqlite3.Connection:
        # SQLite would give a new file the permissions that the umask allows.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            # This is the only mode without a file that all workers map into memory. Cutting such a
            # file short would kill them all.
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            # Sync enough that a power loss leaves the database whole. The journal holds what the
            # last transactions added.
            connection.execute("PRAGMA synchronous = NORMAL")
            _check_format(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _explained(self, error: sqlite3.DatabaseError) -> OutcomeDatabaseError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            return OutcomeDatabaseError(f"Cannot join labels in '{self.path}': {error}.")
        aside = self.path.with_name(f".damaged-{time.time_ns():x}-{_NAME}")
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(aside)
        # The undo log belongs to the damaged file. It would damage a new one.
        self.path.with_name(f"{_NAME}-journal").unlink(missing_ok=True)
        return OutcomeDatabaseError(
            f"'{self.path}' was damaged ({error}) and is now '{aside.name}'. The predictions that "
            "waited for labels are lost, and the counts of labels start again at 0."
        )


def _close(connection: sqlite3.Connection) -> None:
    with forks_wait():
        connection.close()


def _check_format(connection: sqlite3.Connection) -> None:
    """Create the tables in a new file.

    Raises:
        DamagedDatabaseError: If the file has the tables of another version of boxkite.
    """
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        connection.executescript(_SCHEMA)
    elif found != _FORMAT:
        raise DamagedDatabaseError(f"it has format {found} instead of {_FORMAT}")


def _transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
