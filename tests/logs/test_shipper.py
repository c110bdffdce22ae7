"""From the journal to the sink: at least once, in order, whatever fails or dies on the way."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, signals
from boxkite.logs.prediction_log import PredictionLog
from boxkite.logs.sink import Batch, RejectedError
from boxkite.settings import from_environment
from boxkite.testing import RecordingSink

BASELINE = Baseline.fit({"a": np.arange(100.0)}, np.arange(100.0), model="m", version="1")


class FailingSink(RecordingSink):
    """Fails as often as it is told to; notes the batches it is asked to take."""

    def __init__(self, failures: int = 0, whole_minutes: bool = False) -> None:
        super().__init__()
        self.failures = failures
        self.whole_minutes = whole_minutes
        self.asked: list[list[str]] = []

    def deliver(self, batch: Batch) -> None:
        self.asked.append([record.entity_id for record in batch.records])
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("nobody there")
        super().deliver(batch)


class NoSink(RecordingSink):
    """Is never there."""

    def deliver(self, batch: Batch) -> None:
        raise ConnectionRefusedError(f"nobody there for {len(batch.records)}")


@pytest.fixture
def new_monitor(tmp_path: Path) -> Iterator[Callable[..., Monitor]]:
    """Returns a function that makes monitors on one state folder, each closed at the end."""
    made = []

    def new_monitor(sink: Any, baseline: Baseline = BASELINE, **options: Any) -> Monitor:
        settings = from_environment({"state_dir": tmp_path / "state", **options})
        monitor = Monitor(baseline, sink, registry=None, settings=settings)
        made.append(monitor)
        return monitor

    yield new_monitor
    for monitor in made:
        monitor.close(1)


def outcomes(monitor: Monitor) -> dict[str, int]:
    """What a scrape says of predictions and of the log."""
    found = {}
    for line in monitor.export().body.decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.startswith(("boxkite_log_", "boxkite_predictions_total")):
            outcome = series.partition('outcome="')[2].partition('"')[0]
            name = series.partition("{")[0].removeprefix("boxkite_")
            found[outcome or name.removesuffix("_total").removesuffix("_records")] = int(value)
    return found


def ids_of(monitor: Monitor, number: int) -> list[str]:
    return [monitor.log_prediction([n], n).rpartition("/")[2] for n in range(number)]


def test_records_are_delivered_in_order_and_once(new_monitor: Callable[..., Monitor]) -> None:
    sink = FailingSink()
    monitor = new_monitor(sink)
    made = ids_of(monitor, 5000)
    assert monitor.flush()
    assert [each.entity_id for each in sink.records] == made
    assert [each.features for each in sink.records] == [{"a": n} for n in range(5000)]
    assert outcomes(monitor) == {
        "predictions": 5000,
        "delivered": 5000,
        "retried": 0,
        "dropped": 0,
        "log_pending": 0,
    }


@pytest.mark.parametrize("whole_minutes", [False, True, 15])
def test_a_batch_that_is_not_taken_comes_again_as_it_was(
    whole_minutes: bool, new_monitor: Callable[..., Monitor]
) -> None:
    sink = FailingSink(failures=3, whole_minutes=whole_minutes)
    monitor = new_monitor(sink)
    made = ids_of(monitor, 20)
    sizes = []
    while not monitor.flush(0.1):
        made += ids_of(monitor, 5)
        seen = outcomes(monitor)
        sizes.append(seen["predictions"])
        assert seen["predictions"] == seen["delivered"] + seen["dropped"] + seen["log_pending"]
    assert monitor.flush()
    assert [each.entity_id for each in sink.records] == made
    assert sink.asked[0] == sink.asked[1] == sink.asked[2] == sink.asked[3]
    assert outcomes(monitor)["retried"] == 3 * len(sink.asked[0])


def test_records_that_are_given_up_during_their_delivery_are_dropped_and_not_delivered(
    new_monitor: Callable[..., Monitor],
) -> None:
    class Overtaken(RecordingSink):
        whole_minutes = True
        asked = 0

        def deliver(self, batch: Batch) -> None:
            self.asked += 1
            if self.asked == 1:
                assert batch.records[0].entity_id == made[0]
                made.extend(ids_of(monitor, 3000))
                monitor._counts.fold()
            super().deliver(batch)

    sink = Overtaken()
    monitor = new_monitor(sink, state_max_bytes=200_000)
    made = ids_of(monitor, 800)
    assert monitor.flush(60)
    seen = outcomes(monitor)
    assert seen["dropped"] > 800
    assert (seen["delivered"], seen["retried"], seen["log_pending"]) == (len(sink.records), 0, 0)
    assert seen["predictions"] == 3800 == seen["delivered"] + seen["dropped"]
    assert [each.entity_id for each in sink.records] == made[seen["dropped"] :]


def test_what_a_sink_refuses_for_good_is_set_aside_and_the_rest_goes_on(
    new_monitor: Callable[..., Monitor], tmp_path: Path
) -> None:
    class Choosy(RecordingSink):
        def deliver(self, batch: Batch) -> None:
            reasons = {i: "odd" for i, each in enumerate(batch.records) if each.output % 2}
            self.records += [each for each in batch.records if not each.output % 2]
            if reasons:
                raise RejectedError(reasons)

    sink = Choosy()
    monitor = new_monitor(sink)
    told = []

    def tell(_: Monitor, **values: Any) -> None:
        told.append(values)

    with signals.log_dropped.connected_to(tell):
        made = ids_of(monitor, 10)
        assert monitor.flush()
    assert [each.entity_id for each in sink.records] == made[::2]
    lines = (tmp_path / "state/rejected.jsonl").read_text().splitlines()
    assert [
        (each in line, '"reason":"odd"' in line)
        for each, line in zip(made[1::2], lines, strict=True)
    ] == [(True, True)] * 5
    assert sum(each["number"] for each in told) == 5
    assert {key: outcomes(monitor)[key] for key in ("delivered", "dropped", "log_pending")} == {
        "delivered": 5,
        "dropped": 5,
        "log_pending": 0,
    }


def test_the_sample_is_chosen_by_the_id_and_everything_is_counted(
    new_monitor: Callable[..., Monitor],
) -> None:
    sink = FailingSink()
    monitor = new_monitor(sink, log_sample=0.25)
    made = ids_of(monitor, 2000)
    assert monitor.flush()
    log = monitor._log
    assert isinstance(log, PredictionLog)
    assert [each.entity_id for each in sink.records] == [
        each for each in made if log.context.includes(each)
    ]
    assert 400 < len(sink.records) < 600
    found = outcomes(monitor)
    assert (found["predictions"], found["delivered"]) == (2000, len(sink.records))


def test_a_full_journal_gives_up_the_oldest_records_and_counts_them(
    new_monitor: Callable[..., Monitor],
) -> None:
    sink = FailingSink(failures=10**9)
    monitor = new_monitor(sink, state_max_bytes=40_000)
    told = []

    def tell(_: Monitor, **values: Any) -> None:
        told.append(values["number"])

    with signals.log_dropped.connected_to(tell):
        made = ids_of(monitor, 5000)
        assert not monitor.flush(0.1)
        found = outcomes(monitor)
        assert found["dropped"] > 4000
        assert found["predictions"] == found["dropped"] + found["log_pending"] == 5000
        sink.failures = 0
        assert monitor.flush()
    delivered = [each.entity_id for each in sink.records]
    assert delivered == made[-len(delivered) :]
    assert len(delivered) >= found["log_pending"]
    assert sum(told) == outcomes(monitor)["dropped"]
    assert outcomes(monitor)["delivered"] == 5000 - sum(told)


def test_without_a_folder_records_are_shipped_from_memory(
    new_monitor: Callable[..., Monitor], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    sink = FailingSink(failures=2)
    monitor = new_monitor(sink)
    made = ids_of(monitor, 100)
    assert monitor.flush()
    assert [each.entity_id for each in sink.records] == made
    found = outcomes(monitor)
    assert (found["predictions"], found["delivered"], found["log_pending"]) == (100, 100, 0)


def in_a_process_that_is_killed(run: Callable[[], None]) -> None:
    """Run something in a forked process, which then dies at once."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    "baseline", [BASELINE, BASELINE.relabelled(version="2")], ids=["same", "new"]
)
def test_what_a_killed_process_has_not_shipped_is_shipped_by_the_next(
    baseline: Baseline, new_monitor: Callable[..., Monitor], tmp_path: Path
) -> None:
    def predict() -> None:
        monitor = new_monitor(NoSink())
        made = ids_of(monitor, 1500)
        monitor.flush(0.2)
        made += ids_of(monitor, 100)
        (tmp_path / "ids").write_text("\n".join(made))

    in_a_process_that_is_killed(predict)
    made = (tmp_path / "ids").read_text().split("\n")
    sink = NoSink()
    sink.deliver = RecordingSink.deliver.__get__(sink)  # type: ignore[method-assign]
    monitor = new_monitor(sink, baseline)
    own = ids_of(monitor, 10)
    assert monitor.flush()
    logged = [each.entity_id for each in sink.records]
    assert sorted(logged) == sorted(made + own)
    assert [each for each in logged if each in set(made)] == made
    assert {each.version for each in sink.records} == {"1", baseline.version}
    if baseline is BASELINE:
        found = outcomes(monitor)
        assert (found["predictions"], found["delivered"], found["log_pending"]) == (1610, 1610, 0)
        folders = sorted(path.name[:5] for path in (tmp_path / "state").glob("*/*-*/"))
        assert folders == ["worke"]


def test_what_waits_for_another_sink_is_left_alone(
    new_monitor: Callable[..., Monitor],
) -> None:
    in_a_process_that_is_killed(lambda: ids_of(new_monitor(NoSink()), 100) and None)
    sink = FailingSink()
    monitor = new_monitor(sink)
    own = ids_of(monitor, 10)
    assert monitor.flush()
    assert [each.entity_id for each in sink.records] == own
    found = outcomes(monitor)
    assert (found["predictions"], found["delivered"], found["log_pending"]) == (110, 10, 100)


def test_a_forked_process_ships_its_own_and_no_other(
    new_monitor: Callable[..., Monitor], tmp_path: Path
) -> None:
    sink = FailingSink()
    monitor = new_monitor(sink)
    before = ids_of(monitor, 10)

    def predict() -> None:
        made = ids_of(monitor, 10)
        monitor.flush()
        shipped = [each.entity_id for each in sink.records]
        (tmp_path / "child").write_text(f"{shipped[-10:] == made}")

    in_a_process_that_is_killed(predict)
    assert monitor.flush()
    assert [each.entity_id for each in sink.records] == before
    assert (tmp_path / "child").read_text() == "True"
    found = outcomes(monitor)
    assert (found["predictions"], found["delivered"], found["log_pending"]) == (20, 20, 0)


def test_at_every_scrape_accepted_is_delivered_dropped_or_pending(
    new_monitor: Callable[..., Monitor],
) -> None:
    class Moody(RecordingSink):
        def deliver(self, batch: Batch) -> None:
            if random.random() < 0.3:
                raise OSError("not now")
            super().deliver(batch)

    monitor = new_monitor(Moody())
    threads = [threading.Thread(target=ids_of, args=(monitor, 3000)) for _ in range(3)]
    for thread in threads:
        thread.start()
    before = dict.fromkeys(["delivered", "dropped", "retried", "predictions"], 0)
    while any(thread.is_alive() for thread in threads):
        found = outcomes(monitor)
        assert found["predictions"] == found["delivered"] + found["dropped"] + found["log_pending"]
        assert all(found[key] >= value for key, value in before.items())
        assert found["log_pending"] >= 0
        before = {key: found[key] for key in before}
    assert monitor.flush(20)
    assert outcomes(monitor)["delivered"] == 9000
