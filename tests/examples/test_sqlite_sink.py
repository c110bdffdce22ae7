"""The example of a sink of one's own, given as an object and by its URL."""

import sqlite3
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, ConfigError, Monitor
from boxkite.logs.sinks import sink_url

EXAMPLES = Path(__file__).parents[2] / "examples"
BASELINE = Baseline.fit({"a": np.arange(10.0)}, np.arange(10.0))


@pytest.fixture
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "sqlite_sink", raising=False)
    added = EntryPoint("sqlite", "sqlite_sink:SqliteSink.from_url", "boxkite.sinks")

    def entry_points(**_: Any) -> EntryPoints:
        return EntryPoints([added])

    monkeypatch.setattr(sink_url, "entry_points", entry_points)


@pytest.mark.usefixtures("_importable")
def test_predictions_arrive_in_the_table_by_object_and_by_url(tmp_path: Path) -> None:
    from sqlite_sink import SqliteSink  # type: ignore[import-not-found]

    path = tmp_path / "log.db"
    ids = []
    for log in (SqliteSink(str(path)), f"sqlite:{path}"):
        monitor = Monitor(BASELINE, log, registry=None)
        ids.append(monitor.log_prediction([3], 4.0).rpartition("/")[2])
        assert monitor.flush()
        assert f'sink="sqlite",outcome="delivered"}} {1}' in monitor.export().body.decode()
        monitor.close()
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT id, row, output FROM log ORDER BY at").fetchall()
    connection.close()
    assert found == [(each, '{"a": 3}', "4.0") for each in ids]


@pytest.mark.usefixtures("_importable")
def test_a_sink_that_nobody_adds_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as told:
        Monitor(BASELINE, "sqlitte:x", registry=None)
    assert str(told.value) == (
        "LOG is 'sqlitte:x', but no sink has the scheme 'sqlitte'. "
        "Use one of file, s3, gs, az, fluentd, none, sqlite."
    )
