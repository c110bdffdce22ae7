"""A sink that writes predictions to a table of SQLite: `Boxkite(app, log=SqliteSink(path))`.

If a package offers it as an entry point, it works by URL too: `LOG=sqlite:/var/log/predictions.db`.

    [project.entry-points."boxkite.sinks"]
    sqlite = "sqlite_sink:SqliteSink.from_url"
"""

import json
import sqlite3

from boxkite.logs.sink import Batch


class SqliteSink:
    """A sink is any object with `name`, `whole_minutes`, `deliver` and `close`."""

    name = "sqlite"
    whole_minutes = False

    def __init__(self, path: str) -> None:
        self._path = path

    @classmethod
    def from_url(cls, url: str) -> "SqliteSink":
        """Return the sink of `sqlite:PATH`."""
        return cls(url.removeprefix("sqlite:"))

    def deliver(self, batch: Batch) -> None:
        """Insert a batch. It may come again after an exception, so skip rows that exist."""
        rows = [
            (each.entity_id, each.created_at, json.dumps(each.features), json.dumps(each.output))
            for each in batch.records
        ]
        with sqlite3.connect(self._path) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS log (id PRIMARY KEY, at, row, output)")
            connection.executemany("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?)", rows)
        connection.close()

    def close(self) -> None:
        """Do nothing, because no connection stays open."""
