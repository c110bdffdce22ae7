"""Labels in running and killed processes: every label is counted once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask

from boxkite import Baseline, ConfigError, Monitor, Policy
from boxkite.quality import QualityPolicy, compare_outcomes, estimate
from boxkite.settings import Settings
from boxkite_flask import Boxkite

RANDOM = np.random.default_rng(2)
SCORES = RANDOM.random(1000)
BASELINE = Baseline.fit({"x": np.arange(1000) % 5}, {"score": SCORES}, outcome=SCORES > 0.4)


DAY = 86_400.0
Start = Callable[..., Monitor]


@pytest.fixture
def monitor() -> Iterator[Start]:
    """Start monitors, and close them after the test."""
    with ExitStack() as started:

        def start(
            folder: Path, ttl: float = DAY, *, raises: bool = False, **others: Any
        ) -> Monitor:
            given = {"outcome_ttl": ttl, "state_dir": str(folder), "log": "none:"}
            settings = Settings(**given, server_id="here", **others)
            found = Monitor(BASELINE, settings=settings, registry=None, raises=lambda: raises)
            started.callback(found.close)
            return found

        yield start


def results(text: str) -> Counter[str]:
    found = re.findall(r'\nboxkite_outcomes_total\{.*result="(\w+)"\} (\d+)', text)
    return Counter({result: int(number) for result, number in found})


def test_labels_of_killed_workers_count_once(monitor: Start, tmp_path: Path) -> None:
    """Four workers die by SIGKILL, with labels of each other's predictions in their journals."""
    first = monitor(tmp_path)
    shared = [first.log_prediction([1.0], 0.9) for _ in range(400)]
    children: list[int] = []
    for worker in range(4):
        child = os.fork()
        if not child:
            own = [first.log_prediction([2.0], 0.2) for _ in range(1000)]
            first.log_outcomes((each, 0) for each in own)
            if worker % 2:
                first.export()
            first.log_outcomes((each, 1) for each in shared[worker::4])
            os.kill(os.getpid(), signal.SIGKILL)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    for _ in range(2):
        text = first.export().body.decode()
        assert +results(text) == {"paired": 4400}
        assert "\nboxkite_outcomes_waiting{" in text
    quality = first.quality()
    assert (quality.rows, quality.changes[0].now.value) == (4400, 1.0)
    (day,) = first.quality_by_day()[-1:]
    assert day.predictions == 4400
    first.close()
    assert monitor(tmp_path).quality().rows == 4400


def test_without_the_setting_a_label_is_refused_with_the_reason(
    monitor: Start, tmp_path: Path
) -> None:
    off = monitor(tmp_path, 0.0, raises=True)
    with pytest.raises(ConfigError, match="the setting OUTCOME_TTL is 0"):
        off.log_outcome("here/2026-11-30T00:00:00/x", 1)
    assert "boxkite_outcome_" not in off.export().body.decode().replace("baseline_outcome", "")


def test_scores_are_an_estimate_with_labels_and_without(monitor: Start, tmp_path: Path) -> None:
    """What the scores let expect is what training's rows with these scores had."""
    off, on = monitor(tmp_path / "off", 0.0), monitor(tmp_path / "on")
    for each in (off, on):
        ids = [each.log_prediction([1.0], float(score)) for score in SCORES]
    on.log_outcome(ids[0], bool(SCORES[0] > 0.4))
    measured = {each.now.name: each.now.value for each in compare_outcomes(BASELINE.outcomes)}
    for service, rows in ((off, 0), (on, 1)):
        for window in (None, "1d"):
            quality = service.quality(window)
            found = {each.name: each.value for each in quality.estimated}
            assert (quality.rows, set(found)) == (rows, {"accuracy", "precision", "recall", "f1"})
            expected = {name: measured[name] for name in found}
            assert found == pytest.approx(expected, abs=0.02)
    # Counts by the hour are kept for eight days, and labels for forty.
    assert on.quality("30d").rows == 1
    off.close()
    on.close()


def test_each_segment_is_estimated_from_its_own_scores(tmp_path: Path) -> None:
    carrier = np.array(["UA", "DL"])[np.arange(1000) % 2]
    columns = {"x": np.arange(1000) % 5, "carrier": carrier}
    baseline = Baseline.fit(
        columns, {"score": SCORES}, outcome=SCORES > 0.4, segments=["carrier"], bins=5
    )
    served = {"UA": SCORES[:90], "DL": SCORES[90:] / 2}
    for folder, ttl, rows in (("off", 0.0, 0), ("on", DAY, 1)):
        given = {"outcome_ttl": ttl, "state_dir": str(tmp_path / folder), "log": "none:"}
        service = Monitor(baseline, settings=Settings(**given), registry=None)
        for name, scores in served.items():
            ids = [service.log_prediction([1.0, name], float(each)) for each in scores]
        if rows:
            service.log_outcome(ids[0], 1)
        found = service.quality_by_segment()
        service.close()
        for name, scores in served.items():
            training = baseline.segment(f"carrier={name}").outcomes
            assert training is not None
            edges = training.pairs[0].edges
            counts = np.bincount(np.searchsorted(edges, scores), minlength=len(edges) + 1)
            assert found[f"carrier={name}"].estimated == estimate(training, counts)
        assert found["carrier=DL"].rows == rows
        assert found["carrier=__missing__"].estimated == ()


def test_a_service_that_can_neither_measure_nor_estimate_says_why(tmp_path: Path) -> None:
    settings = Settings(outcome_ttl=86_400.0, state_dir=str(tmp_path), log="none:")
    service = Monitor(Baseline.fit({"x": range(9)}), settings=settings, registry=None)
    with pytest.raises(ConfigError, match="has no outcomes"):
        service.quality()
    service.close()


def database(folder: Path) -> Path:
    (found,) = folder.rglob("outcomes.db")
    return found


def errors(monitor: Monitor) -> int:
    return monitor.reporter.counts()["outcome"]


def test_a_damaged_database_is_set_aside_and_labels_are_taken_again(
    monitor: Start, tmp_path: Path
) -> None:
    service = monitor(tmp_path)
    service.log_outcome(service.log_prediction([1.0], 0.9), 1)
    assert +results(service.export().body.decode()) == {"paired": 1}
    file = database(tmp_path)
    file.write_bytes(b"no database" * 1000)
    service.log_outcome(service.log_prediction([1.0], 0.9), 1)
    assert service.export().body.count(b"boxkite_predictions_total{") == 1
    assert errors(service) == 1
    (aside,) = file.parent.glob(".damaged-*-outcomes.db")
    assert aside.read_bytes().startswith(b"no database")
    service.log_outcome(service.log_prediction([1.0], 0.9), 1)
    assert +results(service.export().body.decode()) == {"paired": 3}
    assert errors(service) == 1


def test_a_database_that_cannot_be_written_loses_no_label(
    monitor: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = monitor(tmp_path)
    service.log_outcome(service.log_prediction([1.0], 0.9), 1)
    service.export()
    original = sqlite3.connect

    def full(*arguments: Any, **options: Any) -> Any:
        connection = original(*arguments, **options)
        connection.execute(f"PRAGMA max_page_count = {1}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", full)
        for number in range(500):
            service.log_outcome(service.log_prediction([1.0], 0.9), number % 2)
        service.export()
        assert errors(service) > 0
    assert +results(service.export().body.decode()) == {"paired": 501}


def test_after_the_folder_was_deleted_new_labels_count_in_a_new_one(
    monitor: Start, tmp_path: Path
) -> None:
    service = monitor(tmp_path / "state")
    former = service.log_prediction([1.0], 0.9)
    service.log_outcome(former, 1)
    assert +results(service.export().body.decode()) == {"paired": 1}
    shutil.rmtree(tmp_path / "state")
    new = service.log_prediction([1.0], 0.9)
    service.log_outcome(new, 0)
    service.log_outcome(former, 1)
    # The journal in the deleted folder held the first prediction and its label, and still does.
    text = service.export().body.decode()
    assert +results(text) == {"paired": 2, "repeated": 1}
    assert service.reporter.counts()["journal"] == 1
    assert errors(service) == 0
    assert len(list((tmp_path / "state").rglob("outcomes.db"))) == 1
    service.close()
    assert monitor(tmp_path / "state").quality().rows == 2


@pytest.mark.parametrize("writable", [True, False], ids=["database", "no-database"])
def test_a_full_journal_loses_no_label(
    monitor: Start, writable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests join the labels themselves if the journal has no room for another one.

    The journal holds about 400 predictions with their labels, and the database about 700.
    """
    service = monitor(tmp_path, state_max_bytes=1 << 16)
    # Nothing is counted in the background meanwhile.
    monkeypatch.setattr(service._counter._background, "ask", lambda: None)
    monkeypatch.setattr(service._counter._background, "hurry", lambda: None)
    original = sqlite3.connect

    def full(path: Any, **options: Any) -> Any:
        connection = original(path, **options)
        if not writable and path != ":memory:":
            connection.execute("PRAGMA max_page_count = 1")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", full)
        for number in range(500):
            service.log_outcome(service.log_prediction([1.0], 0.9), number % 2)
    assert sum(each.stat().st_size for each in tmp_path.rglob("journal-*")) <= 1 << 16
    assert list(tmp_path.rglob("outcomes.db")), "no request had to join the labels"
    assert bool(errors(service)) is not writable
    service._counts._retry_at = 0.0  # do not wait a second until the folder is tried again
    assert +results(service.export().body.decode()) == {"paired": 500}
    assert service.quality().rows == 500


@pytest.mark.parametrize(
    ("output", "given", "outcome", "result"),
    [
        (SCORES, 0.9, 1, "invalid"),
        (np.where(SCORES > 0.5, "yes", "no"), "yes", "no", "paired"),
    ],
    ids=["score", "class"],
)
def test_a_redacted_output_is_joined_if_its_cell_is_all_that_counts(
    output: Any, given: Any, outcome: Any, result: str, tmp_path: Path
) -> None:
    truth = SCORES > 0.4 if result == "invalid" else output
    baseline = Baseline.fit({"x": np.arange(1000) % 5}, {"answer": output}, outcome=truth)
    settings = Settings(
        outcome_ttl=DAY, state_dir=str(tmp_path), log="none:", log_redact=("answer",)
    )
    service = Monitor(baseline, settings=settings, registry=None)
    service.log_outcome(service.log_prediction([1.0], given), outcome)
    assert +results(service.export().body.decode()) == {result: 1}
    rows = service.quality().outcomes
    assert rows is not None
    assert rows.rows == (result == "paired")


def test_the_policy_of_the_monitor_judges_quality(tmp_path: Path) -> None:
    def verdict(policy: QualityPolicy) -> str:
        settings = Settings(outcome_ttl=86_400.0, state_dir=str(tmp_path), log="none:")
        service = Monitor(BASELINE, settings=settings, registry=None, policy=Policy(quality=policy))
        for number in range(100):
            service.log_outcome(service.log_prediction([1.0], 0.9), number % 2)
        found = service.quality().verdict
        service.close()
        return found

    assert verdict(QualityPolicy()) == "worse"
    assert verdict(QualityPolicy(min_rows=10_000)) == "insufficient"


def test_a_label_of_a_model_that_the_application_lacks_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("service")
    app.config.update(FLASK_BOXKITE_STATE_DIR=str(tmp_path), FLASK_BOXKITE_OUTCOME_TTL="1d")
    service = Boxkite(app, baseline=BASELINE, registry=None)

    @app.post("/labels")
    def labels() -> str:
        service.log_outcome("here/2026-11-30T00:00:00/x", 1, model="nothing")
        return "taken"

    assert app.test_client().post("/labels").text == "taken"
    assert "the application has no model 'nothing'; it has 'default'" in caplog.text
    app.testing = True
    with pytest.raises(LookupError, match="no model 'nothing'"):
        app.test_client().post("/labels")
    service.log_outcome("here/2026-11-30T00:00:00/x", 1, model="nothing")
    assert "outside of a request, and this Boxkite has 0 monitors" in caplog.text
