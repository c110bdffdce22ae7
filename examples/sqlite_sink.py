"""A sink of one's own: predictions into a table of SQLite. `Boxkite(app, log=SqliteSink(path))`.

A package that has it as an entry point serves it by URL, as `LOG=sqlite:/var/log/predictions.db`:

    [project.entry-points."boxkite.sinks"]
    sqlite = "sqlite_sink:SqliteSink.from_url"
"""

import json
import sqlite3

from boxkite.logs.sink import Batch


class SqliteSink:
    """Any object with these four names is a sink."""

    name = "sqlite"
    whole_minutes = False

    def __init__(self, path: str) -> None:
        self._path = path

    @classmethod
    def from_url(cls, url: str) -> "SqliteSink":
        """Return the sink of `sqlite:PATH`."""
        return cls(url.removeprefix("sqlite:"))

    def deliver(self, batch: Batch) -> None:
        """Insert a batch, or raise and get it again: what is there already is left as it is."""
        rows = [
            (each.entity_id, each.created_at, json.dumps(each.features), json.dumps(each.output))
            for each in batch.records
        ]
        with sqlite3.connect(self._path) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS log (id PRIMARY KEY, at, row, output)")
            connection.executemany("INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?)", rows)
        connection.close()

    def close(self) -> None:
        """Nothing stays open."""
