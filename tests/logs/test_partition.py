"""Test the names of log files: below the root for any ids, and never the same for two writers."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.logs.partition import SUFFIXES, endpoint_folder, parse_path, partition_path

MOMENT = "2026-11-23T14:05:59.000001Z"
HOSTILE = st.sampled_from(
    [
        "",
        ".",
        "..",
        "../..",
        "/etc",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "~",
        "-",
        "_",
        "\udcff",
        "é",
        "a-b",
    ]
)
IDS = st.one_of(st.text(st.characters(), max_size=300), HOSTILE, st.from_regex("[a-c_.-]{1,4}"))


@pytest.mark.parametrize(
    ("number", "suffix", "expected"),
    [
        (1, ".txt", "models/predictions/flights/2026-11-23/1405_w1-pod-7f.txt"),
        (2, ".txt", "models/predictions/flights/2026-11-23/1405_w1-pod-7f-2.txt"),
        (10, ".txt.gz", "models/predictions/flights/2026-11-23/1405_w1-pod-7f-10.txt.gz"),
        (1, ".txt.zst", "models/predictions/flights/2026-11-23/1405_w1-pod-7f.txt.zst"),
    ],
)
def test_plain_ids_stand_in_the_path_as_they_are(number, suffix, expected):
    assert partition_path("flights", MOMENT, "w1", "pod-7f", number, suffix) == expected


@pytest.mark.parametrize(
    ("minutes", "name", "begin", "end"),
    [
        (2, "1404-1405", "14:04", "14:06"),
        (15, "1400-1414", "14:00", "14:15"),
        (60, "1400-1459", "14:00", "15:00"),
    ],
)
def test_a_file_of_several_minutes_is_named_by_the_first_and_the_last(minutes, name, begin, end):
    path = partition_path("flights", MOMENT, "w1", "pod", minutes=minutes)
    assert path == f"models/predictions/flights/2026-11-23/{name}_w1-pod.txt"
    found = parse_path(path)
    assert found is not None
    assert [f"{each:%H:%M}" for each in (found.minute, found.end)] == [begin, end]


@given(
    st.tuples(IDS, IDS, IDS),
    st.integers(1, 10**6),
    st.sampled_from(list(SUFFIXES.values())),
    st.sampled_from([1, 5, 60]),
)
def test_every_path_is_a_log_file_below_the_root(ids, number, suffix, minutes):
    endpoint_id, logger_id, replica_id = ids
    path = partition_path(endpoint_id, MOMENT, logger_id, replica_id, number, suffix, minutes)
    parts = PurePosixPath(path).parts
    assert "/".join(parts) == path
    assert len(parts) == 5
    assert parts[:2] == ("models", "predictions")
    assert not {".", "..", ""} & set(parts)
    assert path.isascii()
    assert path.isprintable()
    assert max(len(part) for part in parts) <= 230
    found = parse_path(path)
    assert found is not None
    assert f"models/predictions/{found.endpoint}" == endpoint_folder(endpoint_id)
    minute = datetime(2026, 11, 23, 14, 5 if minutes < 60 else 0, tzinfo=UTC)
    assert (found.minute, found.suffix) == (minute, suffix)
    assert found.end - found.minute == timedelta(minutes=minutes)


@given(st.tuples(IDS, IDS, IDS), st.tuples(IDS, IDS, IDS))
def test_two_writers_never_share_a_path(one, other):
    def first(ids):
        return partition_path(ids[0], MOMENT, ids[1], ids[2])

    assert (first(one) == first(other)) == (one == other)


def test_an_id_that_looks_like_a_replaced_one_does_not_share_its_path():
    replaced = endpoint_folder("a/b").rpartition("/")[2]
    assert endpoint_folder(replaced) != endpoint_folder("a/b")


def test_the_files_of_one_minute_sort_together():
    paths = sorted(
        partition_path("e", f"2026-11-23T{moment}:00Z", "w", "r", number)
        for moment in ("14:04", "14:05", "14:06")
        for number in (1, 2, 3, 10)
    )
    minutes = [found.minute for path in paths if (found := parse_path(path))]
    assert len(minutes) == 12
    assert minutes == sorted(minutes)


@pytest.mark.parametrize(
    "moment", ["", "now", "2026-11-23", "2026-13-01T00:00", "2026-11-23T24:60", "../../../x/T00:00"]
)
def test_an_invalid_time_is_an_error(moment):
    with pytest.raises(ValueError, match=r"created_at|month|hour|minute"):
        partition_path("e", moment, "w", "r")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "1405_w-r.txt",
        "models/predictions/e/2026-11-23/1405_w-r",
        "models/predictions/e/2026-11-23/1405_w-r.txt\n",
        "models/predictions/e/2026-11-23/1405_w-r.txt.bz2",
        "models/predictions/e/2026-11-23/1405_w.txt",
        "models/predictions/e/2026-11-23/2405_w-r.txt",
        "models/predictions/e/2026-11-23/1405-1404_w-r.txt",
        "models/predictions/e/2026-11-23/1405-2400_w-r.txt",
        "models/predictions/e/2026-11-31/1405_w-r.txt",
        "models/predictions/e/2026-11-23/sub/1405_w-r.txt",
        "models/predictions/../2026-11-23/1405_w-r.txt",
        "models/predictions/e/\uff12026-11-23/1405_w-r.txt",
        "models/other/e/2026-11-23/1405_w-r.txt",
        "/models/predictions/e/2026-11-23/1405_w-r.txt",
        "models/predictions/e/2026-11-23/.1405_w-r.txt",
    ],
)
def test_any_other_path_is_not_a_log_file(path):
    assert parse_path(path) is None
