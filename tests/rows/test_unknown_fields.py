"""Fields that the baseline does not have are left out of the record, counted, and named once."""

import logging

import pytest

from boxkite.rows.unknown_fields import REST, UnknownFields

KNOWN = {"age": None, "income": None}


def test_a_row_of_known_fields_is_returned_as_it_is() -> None:
    row = {"age": 1}
    fields = UnknownFields()
    assert fields.left_out(row, KNOWN) is row
    assert fields.counts == {}


def test_each_unknown_field_is_left_out_counted_and_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = UnknownFields()
    for _ in range(3):
        row = {"age": 1, "ssn": "078-05-1120", "income": 2, "email": "a@example.org"}
        assert fields.left_out(row, KNOWN) == {"age": 1, "income": 2}
    fields.left_out({"age": 1, "ssn": 5, "phone": 1}, KNOWN)
    assert fields.counts == {"email": 3, "ssn": 4, "phone": 1}
    line = "boxkite log: left out fields that the baseline does not have: {}. {}"
    fix = "Set LOG_UNKNOWN=true to log them"
    assert [each.getMessage() for each in caplog.records] == [
        line.format("'email', 'ssn'", fix),
        line.format("'phone'", fix),
    ]


def test_names_that_clients_invent_take_bounded_memory_and_few_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = UnknownFields()
    for number in range(1000):
        fields.left_out({"age": 1, f"{number}\n{'x' * 10_000}": 1}, KNOWN)
    assert sum(fields.counts.values()) == 1000
    assert len(fields.counts) == 21
    assert fields.counts[REST] == 980
    assert max(map(len, fields.counts)) == 61
    assert len(caplog.records) == 21
    assert not any("\n" in each.getMessage() for each in caplog.records)


def test_a_part_without_variables_is_left_out_as_a_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fields = UnknownFields()
    with caplog.at_level(logging.WARNING, "boxkite"):
        for row in ([1, 2], {"ssn": 1}, []):
            assert fields.all_left_out(row, "features", "features=['age']") == {}
    assert fields.all_left_out(None, "features", "features=['age']") is None
    assert fields.counts == {"features": 3}
    (line,) = caplog.records
    assert line.getMessage() == (
        "boxkite log: left out the features, because the baseline has none and the view does not "
        "name them. Name them, as in features=['age'], or set LOG_UNKNOWN=true"
    )
