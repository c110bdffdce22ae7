"""Rows counted by segment: exactly as if the rows of each segment were counted by themselves."""

import math
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.counts import Counts
from boxkite.live.fold import fold, fold_encoded
from boxkite.live.record import Record, decode, encode
from boxkite.settings import Settings

ROWS = 600
NUMBERS = [1.0, -50.0, math.inf, -math.inf, math.nan, None, "2.5", "abc", [1], True, 10**400]
CARRIERS = ["a", "b", "never seen", None, 7, ["a"], "__other__"]
MONTHS = [1.0, 12.0, 13.0, None, "3", "x"]
GIVEN = [
    None,
    {"country": "DE"},
    {"country": "never seen"},
    {"country": None},
    {"country": [1]},
    {"country": "FR", "carrier": "b"},
    "no mapping",
]


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    random = np.random.default_rng(1)
    return {
        "x": random.normal(size=2000).tolist(),
        "carrier": random.choice(list("abcdefghijklmnopqrstuvwxyz"), 2000).tolist(),
        "month": random.integers(1, 13, 2000).astype(float).tolist(),
        "country": random.choice(["DE", "FR", None], 2000).tolist(),
    }


@pytest.fixture(scope="module")
def baseline(columns: dict[str, Any]) -> Baseline:
    features = {name: columns[name] for name in ("x", "carrier", "month")}
    segments = {"carrier": None, "country": columns["country"], "month": None}
    score = {"score": np.linspace(0, 1, 2000)}
    with pytest.warns(match="too few training rows"):
        return Baseline.fit(features, score, segments=segments)


def odd_records() -> Iterator[bytes]:
    """Yield records of all forms, about a third of them with odd values."""
    random = np.random.default_rng(2)

    def one(values: list[Any]) -> Any:
        return values[random.integers(len(values))]

    for _ in range(ROWS):
        number = one(NUMBERS) if random.random() < 0.3 else float(random.normal())
        row = [number, one(CARRIERS), one(MONTHS)]
        features = one([row, row, dict(zip(["x", "carrier", "month"], row, strict=True)), None])
        output = one([[0.5], ["no number"], [None], None])
        entity = str(uuid.UUID(int=int(random.integers(2**60))))
        yield encode(Record(entity, 10**18, features, output, segments=one(GIVEN)))


def value_of(record: Record, name: str) -> Any:
    if isinstance(record.segments, dict) and name in record.segments:
        return record.segments[name]
    place = {"carrier": 1, "month": 2}.get(name)
    if place is None:
        return None
    features = record.features
    return features[place] if isinstance(features, list) else (features or {}).get(name)


def part_of(records: list[Record], baseline: Baseline, label: str) -> list[Record]:
    """Return the records of one segment, found one by one."""
    found = []
    for column in baseline.segments:
        for record in records:
            try:
                place = column.place_of(value_of(record, column.name))
            except ValueError:
                place = len(column.values) - 1
            if column.labels[place] == label:
                found.append(record)
    return found


def test_each_segment_counts_like_a_baseline_of_its_own(baseline: Baseline) -> None:
    contents = list(odd_records())
    counts = Counts.zero(baseline)
    fold_encoded(baseline, contents, counts)
    records = [decode(content) for content in contents]
    variables = len(baseline.variables)
    for number, label in enumerate(baseline.segment_labels, 1):
        alone = baseline.segment(label)
        own, expected = part_of(records, baseline, label), Counts.zero(alone)
        fold(alone, own, expected)
        part = counts.part(number, variables)
        for name in ("cells", "missing", "invalid", "outside"):
            assert getattr(part, name).tolist() == getattr(expected, name).tolist(), (label, name)
        assert part.sums == pytest.approx(expected.sums)
        assert part.predictions == len(own)


def test_all_rows_count_as_without_segments_and_as_the_segments_of_each_column(
    baseline: Baseline,
) -> None:
    contents = list(odd_records())
    counts = Counts.zero(baseline)
    fold_encoded(baseline, contents, counts)
    whole = counts.part(0, len(baseline.variables))
    plain = Baseline.from_variables(baseline.variables, baseline.rows)
    expected = Counts.zero(plain)
    fold_encoded(plain, contents, expected)
    assert whole.to_bytes() == expected.to_bytes()
    assert whole.predictions == ROWS
    of_segments, first = counts.of_segments(len(baseline.variables)), 0
    for column in baseline.segments:
        own = slice(first, first := first + len(column.values))
        assert of_segments.cells[own].sum(axis=0).tolist() == whole.cells.tolist()


def test_rows_of_floats_stay_packed_and_are_counted_by_the_label_of_a_number() -> None:
    month = np.repeat(np.arange(1.0, 5.0), 100)
    features = {"month": month, **{f"x{i}": np.linspace(-1, 1, 400) + i for i in range(20)}}
    baseline = Baseline.fit(features, segments=["month"], bins=4)
    row = [3.0, *range(20)]
    contents = [encode(Record(str(uuid.uuid4()), 10**18, [float(each) for each in row], {}))] * 7
    counts = Counts.zero(baseline)
    fold_encoded(baseline, contents, counts)
    rows = [counts.part(i, 21).predictions for i in range(7)]
    labels = ["", *baseline.segment_labels]
    assert dict(zip(labels, rows, strict=True)) == {
        **dict.fromkeys(labels, 0),
        "": 7,
        "month=3": 7,
    }


def test_a_record_of_an_earlier_version_has_no_segments(baseline: Baseline) -> None:
    old = msgspec.msgpack.encode(("id", 10**18, [1.0, "a", 1.0], [0.5], None, True, ()))
    assert decode(old).segments is None
    counts = Counts.zero(baseline)
    fold_encoded(baseline, [old], counts)
    seen = [
        label
        for number, label in enumerate(baseline.segment_labels, 1)
        if counts.part(number, len(baseline.variables)).predictions
    ]
    assert seen == ["carrier=a", "country=__missing__", "month=1"]


def test_a_redacted_value_counts_in_its_segment_and_is_in_no_log(
    baseline: Baseline, tmp_path: Any
) -> None:
    settings = Settings(
        log_redact=("carrier", "country", "month"), state_dir=str(tmp_path / "state")
    )
    monitor = Monitor(baseline, tmp_path / "log", settings=settings, registry=None)
    monitor.log_prediction([0.5, "c", 4.0], 0.5, segments={"country": "FR"})
    drift = monitor.drift()
    assert monitor.flush()
    (file,) = (tmp_path / "log").rglob("*.txt")
    line = msgspec.json.decode(file.read_bytes())
    monitor.close()
    seen = {label: each.predictions for label, each in drift.segments.items() if each.predictions}
    assert seen == {"carrier=c": 1, "country=FR": 1, "month=4": 1}
    assert set(line["segments"].values()) == {"[redacted]"}
    assert [line["features"][name] for name in ("carrier", "month")] == ["[redacted]"] * 2


@pytest.mark.slow
def test_a_hundred_thousand_unseen_values_add_no_series(baseline: Baseline) -> None:
    monitor = Monitor(baseline, "none:", registry=None, settings=Settings(max_rows=20_000))

    def series() -> set[str]:
        lines = monitor.export().body.decode().splitlines()
        return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}

    before = series()
    for start in range(0, 100_000, 20_000):
        values = [f"value {i}" for i in range(start, start + 20_000)]
        rows = [[0.0, value, 1.0] for value in values]
        monitor.log_predictions(rows, [0.5] * 20_000, segments={"country": values})
    drift = monitor.drift()
    assert series() == before
    other = {label: each.predictions for label, each in drift.segments.items()}
    assert other["carrier=__other__"] == other["country=__other__"] == 100_000
    monitor.close()
