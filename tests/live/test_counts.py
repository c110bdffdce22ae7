"""Counts of every kind keep their place when they are stored, added and subtracted."""

from dataclasses import fields

import numpy as np

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.live.counts import Counts

BASELINE = Baseline.fit({"a": np.arange(8.0), "b": list("xyxyxyxy")}, {"c": np.arange(8.0)}, bins=2)


def distinct(first: int) -> Counts:
    """Return counts in which each number occurs once."""
    counts, numbers = Counts.zero(BASELINE), iter(range(first, first + 100))
    for field in fields(counts):
        values = getattr(counts, field.name)
        if field.name == "predictions":
            counts.predictions = next(numbers)
        elif field.name != "bounds":
            values[:] = [next(numbers) for _ in values]
    return counts


def test_bytes_keep_every_number_in_its_place() -> None:
    content = distinct(1).to_bytes()
    assert len(content) == Counts.zero(BASELINE).byte_size
    again = Counts.from_bytes(BASELINE, content)
    assert vars(again).keys() == vars(distinct(1)).keys()
    for name, values in vars(distinct(1)).items():
        assert np.array_equal(getattr(again, name), values), name


def test_counts_are_added_and_subtracted_number_by_number() -> None:
    total = distinct(1)
    total.add(distinct(500))
    for name, values in vars(distinct(1)).items():
        if name != "bounds":
            assert np.array_equal(getattr(total, name), values + getattr(distinct(500), name)), name
    assert total.since(distinct(500)).to_bytes() == distinct(1).to_bytes()


def test_tallies_give_back_what_was_added() -> None:
    counts = Counts.zero(BASELINE)
    added = [
        Tally(np.arange(int(cells)) + i, missing=10 + i, invalid=20 + i, outside=30 + i, sum=40 + i)
        for i, cells in enumerate(np.diff(BASELINE.cell_bounds))
    ]
    for i, tally in enumerate(added):
        counts.add_tally(i, tally)
    for tally, found in zip(added, counts.tallies(), strict=True):
        assert found.cells.tolist() == tally.cells.tolist()
        assert (found.missing, found.invalid) == (tally.missing, tally.invalid)
        assert (found.outside, found.sum) == (tally.outside, tally.sum)
