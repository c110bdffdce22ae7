"""Test how a record of the journal becomes a log record."""

from typing import Any

import msgspec
import pytest

from boxkite.live.identity import Identity
from boxkite.live.log_context import LogContext
from boxkite.live.mark import Mark
from boxkite.live.record import Record
from boxkite.logs.log_record import LogRecord, to_log_record
from tests.logs.conftest import CONTEXT

MOMENT = 1_385_215_559_000_001_999  # 2013-11-23 14:05:59, a microsecond and 999 ns


def logged(features: Any = None, output: Any = None, context: LogContext = CONTEXT) -> LogRecord:
    return to_log_record(context, Record("id", MOMENT, features, output))


def test_a_record_is_logged_with_all_of_its_fields() -> None:
    record = Record("id", MOMENT, [1.5, "UA"], [0.5], {"inputs": [1]}, True, ("request_body",))
    assert to_log_record(CONTEXT, record) == LogRecord(
        prediction_id="server/2013-11-23T14:05:59/id",
        entity_id="id",
        server_id="server",
        endpoint_id="endpoint",
        model="flights",
        version="3f9c1a2b",
        created_at="2013-11-23T14:05:59.000001Z",
        features={"distance": 1.5, "carrier": "UA"},
        output=0.5,
        request_body={"inputs": [1]},
        truncated=("request_body",),
    )


def test_a_complete_record_without_body_has_neither_body_nor_truncated() -> None:
    record = logged([1.5, "UA"], [0.5])
    assert record.request_body is msgspec.UNSET
    assert record.truncated is msgspec.UNSET


@pytest.mark.parametrize(
    ("created_at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (MOMENT + 1, "2013-11-23T14:05:59.000002Z"),
        (MOMENT - 2_000, "2013-11-23T14:05:58.999999Z"),
        (-1, "1970-01-01T00:00:00.000000Z"),
        (2**70, "9999-12-31T00:00:00.000000Z"),
    ],
)
def test_the_time_always_has_six_decimals(created_at: int, text: str) -> None:
    assert to_log_record(CONTEXT, Record("id", created_at, None, None)).created_at == text


def test_the_prediction_id_is_the_one_that_the_service_returned() -> None:
    identity = Identity.new("server")
    record = Record(identity.entity_id, identity.created_at, None, None)
    assert to_log_record(CONTEXT, record).prediction_id == identity.prediction_id


@pytest.mark.parametrize(
    ("features", "shown"),
    [
        ([1, "UA"], {"distance": 1, "carrier": "UA"}),
        ([1], [1]),
        ([1, "UA", 2], [1, "UA", 2]),
        ({"distance": 1, "more": 2}, {"distance": 1, "more": 2}),
        ({}, {}),
        (None, None),
        ([Mark(3), Mark(Mark.MISSING)], {"distance": "[redacted]", "carrier": "[redacted]"}),
        ({"distance": Mark(Mark.INVALID)}, {"distance": "[redacted]"}),
    ],
)
def test_features_are_named_if_there_is_a_name_for_each(features: Any, shown: Any) -> None:
    assert logged(features).features == shown


def test_features_without_known_names_are_a_list() -> None:
    context = msgspec.structs.replace(CONTEXT, features=())
    assert logged([], context=context).features == []
    assert logged([1, 2], context=context).features == [1, 2]


@pytest.mark.parametrize(
    ("names", "output", "shown"),
    [
        (("delay",), [0.5], 0.5),
        (("delay",), {"delay": 0.5}, 0.5),
        (("delay",), {"other": 0.5}, {"other": 0.5}),
        (("delay",), {"delay": 0.5, "why": "rain"}, {"delay": 0.5, "why": "rain"}),
        (("delay",), [None], None),
        (("delay",), [Mark(1)], "[redacted]"),
        (("delay",), {}, None),
        (("delay",), None, None),
        ((), [{"a": 1}], {"a": 1}),
        (("no", "yes"), [0.25, 0.75], {"no": 0.25, "yes": 0.75}),
        (("no", "yes"), {"no": 0.25, "yes": 0.75}, {"no": 0.25, "yes": 0.75}),
        (("no", "yes"), {"no": 0.25}, {"no": 0.25}),
        (("no", "yes"), [0.25, Mark(0)], {"no": 0.25, "yes": "[redacted]"}),
        (("no", "yes"), [1, 2, 3], [1, 2, 3]),
    ],
)
def test_one_output_is_a_value_and_several_are_named(
    names: tuple[str, ...], output: Any, shown: Any
) -> None:
    context = msgspec.structs.replace(CONTEXT, outputs=names)
    assert logged(output=output, context=context).output == shown
