"""Test pruning: old files only, the oldest first, by one worker of many and once an hour."""

import itertools
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.error_reporter import ErrorReporter
from boxkite.logs import pruners
from boxkite.logs.partition import partition_path
from boxkite.logs.pruners import HourlyPruner, SizePruner
from boxkite.logs.pruning import Pruned, prune
from boxkite.logs.stores.local_store import LocalStore

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def put(store: LocalStore, moment: datetime, endpoint_id: str = "e", size: int = 10) -> str:
    path = partition_path(endpoint_id, moment.isoformat(), "w", "r")
    assert store.put_new(path, [bytes(size)])
    return path


def paths(store: LocalStore) -> list[str]:
    return [path for path, *_ in store.list("")]


def logged(store: LocalStore) -> list[str]:
    """Return the paths of log files, without the marks of hours."""
    return [path for path in paths(store) if "/_pruned/" not in path]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.fixture
def running(store: LocalStore) -> str:
    """The path of a file from some hours ago, which shows that the clock is right."""
    return put(store, NOW - timedelta(hours=15))


def test_a_file_is_old_when_its_whole_minute_is(store):
    put(store, NOW - DAY - timedelta(minutes=2))
    put(store, NOW - DAY - timedelta(minutes=1))
    kept = [put(store, NOW - DAY), put(store, NOW), put(store, NOW + DAY)]
    assert prune(store, DAY, NOW) == Pruned(2, 20)
    assert paths(store) == kept
    assert prune(store, DAY, NOW + timedelta(seconds=59)) == Pruned(0, 0)
    assert prune(store, NOW + timedelta(minutes=1)) == Pruned(2, 20)
    assert paths(store) == kept[2:]


def test_only_log_files_below_the_root_are_removed(store):
    others = [
        "1405_w-r.txt",
        "models/other/e/2000-01-01/1405_w-r.txt",
        "models/predictions/2000-01-01/1405_w-r.txt",
        "models/predictions/e/2000-01-01/1405_w-r.csv",
        "models/predictions/e/2000-01-01/notes.txt",
        "models/predictions/e/2000-01-01/sub/1405_w-r.txt",
        "models/predictions/e/2000-99-01/1405_w-r.txt",
        "other/models/predictions/e/2000-01-01/1405_w-r.txt",
    ]
    for path in others:
        store.put_new(path, [b""])
    put(store, datetime(2000, 1, 1, tzinfo=UTC))
    assert prune(store, DAY, NOW) == Pruned(1, 10)
    assert paths(store) == others


def test_files_behind_a_link_are_left_alone(tmp_path):
    outside = LocalStore(tmp_path / "outside")
    put(outside, NOW - 2 * DAY)
    inside = LocalStore(tmp_path / "inside")
    put(inside, NOW)
    link = inside.folder / "models" / "predictions" / "link"
    link.symlink_to(outside.folder / "models" / "predictions" / "e")
    assert prune(inside, DAY, NOW) == Pruned(0, 0)
    assert len(paths(outside)) == 1


def test_an_endpoint_that_is_a_link_to_another_is_left_alone(tmp_path):
    store = LocalStore(tmp_path)
    kept = put(store, NOW - 2 * DAY, "other")
    root = store.folder / "models" / "predictions"
    (root / "mine").symlink_to(root / "other")
    assert prune(store, DAY, NOW, endpoint_id="mine") == Pruned(0, 0)
    assert prune(store, DAY, NOW, endpoint_id="mine", max_bytes=1) == Pruned(0, 0)
    with pytest.raises(PermissionError, match="is below a symbolic link"):
        store.remove(kept.replace("/other/", "/mine/"))
    assert paths(store) == [kept]


def test_the_folder_of_a_log_may_itself_be_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    store = LocalStore(tmp_path / "link")
    put(store, NOW - 2 * DAY)
    assert prune(store, DAY, NOW, endpoint_id="e") == Pruned(1, 10)


def test_the_oldest_files_are_deleted_until_the_size_is_below_the_limit(store):
    order = [
        put(store, NOW - timedelta(hours=hours), endpoint_id)
        for hours, endpoint_id in [(30, "b"), (25, "a"), (3, "c"), (2, "a"), (1, "b")]
    ]
    assert prune(store, None, NOW, max_bytes=50) == Pruned(0, 0)
    assert prune(store, None, NOW, max_bytes=41, dry_run=True) == Pruned(1, 10)
    assert sorted(order) == paths(store)
    assert prune(store, None, NOW, max_bytes=41) == Pruned(1, 10)
    assert paths(store) == sorted(order[1:])
    assert prune(store, DAY, NOW, max_bytes=30) == Pruned(1, 10)
    assert prune(store, DAY, NOW, max_bytes=15) == Pruned(2, 20)
    assert paths(store) == order[4:]


def test_only_the_files_of_the_named_endpoint_are_deleted(store):
    kept = [put(store, NOW - 2 * DAY, "e-2"), put(store, NOW - 2 * DAY, "e2")]
    put(store, NOW - 2 * DAY, "e")
    put(store, NOW - 2 * DAY, "a/b")
    assert prune(store, DAY, NOW, endpoint_id="e") == Pruned(1, 10)
    assert prune(store, DAY, NOW, endpoint_id="a/b") == Pruned(1, 10)
    assert paths(store) == kept


def test_empty_folders_and_temporary_files_of_killed_writers_are_removed(store):
    path = put(store, NOW - 2 * DAY)
    aside = (store.folder / path).with_name(".boxkite-0123456789abcdef.part")
    aside.touch()
    put(store, NOW)
    assert prune(store, DAY, NOW) == Pruned(1, 10)
    assert aside.exists()
    os.utime(aside, (0, 0))
    assert prune(store, DAY, NOW) == Pruned(0, 0)
    assert [each.name for each in (store.folder / "models/predictions/e").iterdir()] == [
        "2026-11-23"
    ]


def test_a_store_without_a_log_has_nothing_to_prune(store):
    assert prune(store, DAY, NOW, max_bytes=0) == Pruned(0, 0)
    assert list(store.folder.iterdir()) == []


def test_a_negative_age_and_a_moment_without_time_zone_are_errors(store):
    put(store, NOW)
    with pytest.raises(ValueError, match="is negative"):
        prune(store, -DAY, NOW)
    with pytest.raises(ValueError, match="has no time zone"):
        prune(store, datetime(2030, 1, 1))  # noqa: DTZ001
    assert prune(store, timedelta.max, NOW) == Pruned(0, 0)
    assert len(paths(store)) == 1


@given(st.lists(st.integers(0, 200), max_size=20, unique=True), st.integers(0, 200))
def test_exactly_the_files_before_the_limit_are_deleted(ages, limit):
    class Memory:
        def __init__(self) -> None:
            moments = {age: NOW - timedelta(minutes=age) for age in ages}
            self.files = {
                partition_path("abc"[age % 3], moment.isoformat(), "w", "r"): age
                for age, moment in moments.items()
            }

        def list(self, prefix):
            found = sorted(path for path in self.files if path.startswith(prefix + "/"))
            return ((path, 1) for path in found)

        def remove(self, path):
            del self.files[path]

    store = Memory()
    gone = sum(age > limit for age in ages)
    assert prune(store, timedelta(minutes=limit), NOW) == Pruned(gone, gone)
    assert sorted(store.files.values()) == sorted(age for age in ages if age <= limit)


class Unexpected(ErrorReporter):
    def count(self, stage: str, error: Exception, what: str = "") -> None:  # noqa: ARG002
        raise error


class Errors(ErrorReporter):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def count(self, stage: str, error: Exception, what: str = "") -> None:
        assert (stage, what) == ("log", "deleting old files")
        self.said.append(str(error))


def pruner(store: LocalStore, reporter: ErrorReporter | None = None) -> HourlyPruner:
    return HourlyPruner(store, DAY, "e", reporter or Unexpected())


def test_one_of_many_workers_prunes_each_hour(store, running):
    workers = [pruner(store) for _ in range(4)]
    results = []
    for hour, number in itertools.product(range(3), range(8)):
        if number == 0:
            put(store, NOW - 3 * DAY)
        now = NOW + timedelta(hours=hour, minutes=number)
        results += [worker.run(now) for worker in workers]
    assert [result for result in results if result] == [Pruned(1, 10)] * 3
    assert results[0] == Pruned(1, 10)
    assert paths(store) == [
        running,
        "models/predictions/e/_pruned/2026-11-23T14",
        "models/predictions/e/_pruned/2026-11-23T15",
        "models/predictions/e/_pruned/2026-11-23T16",
    ]


@pytest.mark.usefixtures("running")
def test_other_endpoints_keep_their_files(store):
    kept = put(store, NOW - 3 * DAY, "other")
    put(store, NOW - 3 * DAY)
    assert pruner(store).run(NOW) == Pruned(1, 10)
    assert kept in paths(store)


@pytest.mark.usefixtures("running")
def test_the_next_run_finishes_what_the_last_one_began(store, monkeypatch):
    for minutes in range(5):
        put(store, NOW - 3 * DAY + timedelta(minutes=minutes))
    worker = pruner(store)
    monkeypatch.setattr(pruners, "_HOURLY_SLICE_SECONDS", -1.0)
    assert worker.run(NOW) == Pruned(0, 0, finished=False)
    monkeypatch.setattr(pruners, "_HOURLY_SLICE_SECONDS", 60.0)
    assert pruner(store).run(NOW) is None
    assert worker.run(NOW) == Pruned(5, 50)
    assert worker.run(NOW) is None


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("verb", ["put_new", "list", "remove"])
def test_errors_are_reported_and_not_raised_and_the_next_hour_tries_again(verb, store, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no disk")

    put(store, NOW - 3 * DAY)
    errors = Errors()
    worker = pruner(store, errors)
    with monkeypatch.context() as patch:
        patch.setattr(store, verb, fail)
        assert [worker.run(NOW) for _ in range(3)] == [None, None, None]
    assert errors.said == ["no disk"]
    assert worker.run(NOW) is None
    assert worker.run(NOW + timedelta(hours=1)) == Pruned(1, 10)


def test_the_size_limit_applies_to_one_endpoint_and_leaves_others_alone(store):
    others = [put(store, NOW - 40 * DAY, "other", 1000), put(store, NOW, "other", 1000)]
    now = datetime.now(UTC)
    order = [put(store, now - age, "e", 10) for age in (2 * DAY, 4 * MINUTE, 3 * MINUTE)]
    old = put(store, now - 31 * DAY)
    SizePruner(store, 30 * DAY, "e", Unexpected(), max_bytes=1000).run()
    assert logged(store) == sorted([*others, *order])
    assert old not in paths(store)
    SizePruner(store, 30 * DAY, "e", Unexpected(), max_bytes=25).run()
    assert logged(store) == sorted([*others, *order[1:]])


def test_errors_of_the_size_limit_are_reported_and_not_raised(store, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(store, "list", fail)
    errors = Errors()
    SizePruner(store, DAY, "e", errors, max_bytes=1).run()
    assert errors.said == ["no disk"]


def compacted(store: LocalStore, day: str, *names: str, endpoint: str = "e") -> list[str]:
    """Write files of ten bytes in the folder of a compacted day, and return their paths."""
    made = [f"compacted/endpoint={endpoint}/dt={day}/{name}" for name in names]
    for path in made:
        assert store.put_new(path, [bytes(10)])
    return made


PART = "part-000002-0123abcd-00000.parquet"


def test_a_compacted_day_is_deleted_as_a_whole_when_all_of_it_is_old(store):
    names = ("_manifest-000001.json", "_manifest-000002.json", PART)
    old = compacted(store, "2026-11-22", *names)
    kept = [*compacted(store, "2026-11-23", *names), *compacted(store, "2026-11-22", "notes.txt")]
    line = put(store, datetime(2026, 11, 22, 23, 58, tzinfo=UTC))
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    assert prune(store, midnight - timedelta(seconds=1)) == Pruned(1, 10)
    assert line not in paths(store)
    assert prune(store, midnight, endpoint_id="other") == Pruned(0, 0)
    removed: list[str] = []
    store.remove = lambda path: removed.append(path)  # type: ignore[method-assign]
    assert prune(store, midnight) == Pruned(3, 30)
    # Readers see a manifest with all of its parts until no manifest is left.
    assert removed == old
    assert sorted([*old, *kept]) == paths(store)


def test_the_size_limit_counts_compacted_days_and_deletes_lines_before_them(store):
    day = compacted(store, "2026-11-22", "_manifest-000001.json", PART)
    line = put(store, datetime(2026, 11, 22, 12, tzinfo=UTC))
    newer = put(store, datetime(2026, 11, 23, 12, tzinfo=UTC))
    compacted(store, "2026-11-01", PART, endpoint="other")
    limit = {"endpoint_id": "e"}
    assert prune(store, None, max_bytes=40, **limit) == Pruned(0, 0)
    assert prune(store, None, max_bytes=35, **limit) == Pruned(1, 10)
    assert line not in paths(store)
    assert prune(store, None, max_bytes=25, **limit) == Pruned(2, 20)
    assert not set(day) & set(paths(store))
    assert newer in paths(store)


AHEAD = timedelta(days=400)


@pytest.mark.parametrize("kind", ["hourly", "size"])
def test_a_clock_that_is_ahead_does_not_delete_the_log(store, kind):
    def run(now: datetime) -> list[str]:
        errors = Errors()
        if kind == "hourly":
            HourlyPruner(store, 30 * DAY, "e", errors).run(now)
        else:
            SizePruner(store, 30 * DAY, "e", errors, max_bytes=1000).run(now)
        return errors.said

    kept = [put(store, NOW - age * DAY) for age in (29, 10, 1)]
    old = put(store, NOW - 31 * DAY)
    (said,) = run(NOW + AHEAD)
    assert said.startswith("The clock says 2027-12-28 14:05, but the log has nothing from the time")
    assert "4 old files stay for up to a day. To delete them now, run boxkite logs prune" in said
    kept.append(put(store, NOW + AHEAD))
    assert len(run(NOW + AHEAD + timedelta(hours=1))) == 1
    assert old in paths(store)
    # The clock is set right again.
    assert run(NOW) == []
    assert logged(store) == sorted(kept)


def test_a_service_that_was_off_for_long_prunes_after_a_day(store):
    old = put(store, NOW - 100 * DAY)
    for hours in range(27):
        HourlyPruner(store, 30 * DAY, "e", Errors()).run(NOW + timedelta(hours=hours))
        assert (old in paths(store)) == (hours < 24)
    assert len(paths(store)) == 26


def test_a_compacted_day_shows_that_the_clock_is_right(store):
    compacted(store, "2026-11-10", "_manifest-000001.json", PART)
    put(store, NOW - 100 * DAY)
    assert HourlyPruner(store, 30 * DAY, "e", Unexpected()).run(NOW) == Pruned(1, 10)
