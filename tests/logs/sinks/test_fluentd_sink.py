"""Test the fluentd sink against a strict receiver."""

import json
import os

import msgspec
import pytest

from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.sinks.fluentd_sink import FluentdSink
from tests.logs.conftest import FLUENTD_CONTEXT as CONTEXT


def record(number=0, **changed):
    entity_id = f"00000000-0000-0000-0000-{number:012}"
    fields = {
        "prediction_id": f"server/2013-07-01T12:30:15/{entity_id}",
        "entity_id": entity_id,
        "server_id": "server",
        "endpoint_id": "delay",
        "model": "flights",
        "version": "1",
        "created_at": "2013-07-01T12:30:15.250001Z",
        "features": {"delay": 1.5, "carrier": "AA"},
        "output": 0.5,
    }
    return LogRecord(**{**fields, **changed})


def batch(*records):
    return Batch(CONTEXT, records)


def numbers(receiver):
    return [int(each["entity_id"][-12:]) for _, _, each in receiver.entries]


@pytest.fixture
def sink_of():
    """Make a sink that sends to a port."""
    sinks = []

    def make(port, query=""):
        sinks.append(FluentdSink.from_url(f"fluentd://127.0.0.1:{port}{query}"))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


def test_an_event_has_the_fields_of_the_line(receiver, sink_of):
    full = record(
        request_body={"a": [1, None]}, truncated=["output"], output=None, features=["Zürich ✈", 2]
    )
    sink_of(receiver.port).deliver(batch(record(), full))
    assert receiver.entries == [
        (
            "models.predictions.delay.pod-7",
            (1372681815, 250_001_000),
            json.loads(to_line(each, CONTEXT.max_bytes)),
        )
        for each in (record(), full)
    ]
    assert "request_body" not in receiver.entries[0][2]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (float("nan"), None),
        (float("-inf"), "-Infinity"),
        (b"\xff\x00", "/wA="),
        (2**64 - 1, 2**64 - 1),
        ("\ud800", "\\ud800"),
        (object(), {"unsupported": "object"}),
    ],
)
def test_a_value_is_sent_as_it_is_in_the_line(value, sent, receiver, sink_of):
    sink_of(receiver.port).deliver(batch(record(features=[value])))
    assert receiver.entries[0][2]["features"] == [sent]


def test_the_tag_begins_with_the_prefix(receiver, sink_of, monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_PREFIX", "log")
    sink_of(receiver.port).deliver(batch(record()))
    sink_of(receiver.port, "?prefix=a.b").deliver(batch(record()))
    assert [tag for tag, _, _ in receiver.entries] == ["log.delay.pod-7", "a.b.delay.pod-7"]


def test_a_chunk_has_a_thousand_records_at_most(receiver, sink_of):
    sink_of(receiver.port).deliver(batch(*map(record, range(2001))))
    assert numbers(receiver) == list(range(2001))
    assert len(receiver.chunks) == 3


def test_a_chunk_has_about_a_mebibyte_at_most(receiver, sink_of):
    size = 2**18
    records = [record(number, features=["x" * size]) for number in range(7)]
    sink_of(receiver.port).deliver(batch(*records))
    assert numbers(receiver) == list(range(7))
    assert len(receiver.chunks) == 3


def test_a_record_that_is_larger_than_a_chunk_is_sent_alone(receiver, sink_of):
    context = msgspec.structs.replace(CONTEXT, max_bytes=2**23)
    large = record(1, features=["x" * 3 * 2**20])
    sink_of(receiver.port).deliver(Batch(context, [record(0), large, record(2)]))
    assert numbers(receiver) == [0, 1, 2]
    assert len(receiver.chunks) == 3


def test_fields_beyond_the_limit_of_a_record_are_left_out_and_named(receiver, sink_of):
    large = record(features=["x" * CONTEXT.max_bytes])
    sink_of(receiver.port).deliver(batch(large))
    ((_, _, fields),) = receiver.entries
    assert fields == json.loads(to_line(large, CONTEXT.max_bytes))
    assert (fields["features"], fields["truncated"]) == (None, ["features"])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"created_at": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
        ({"created_at": "1969-12-31T23:59:59.000000Z"}, "it cannot be encoded"),
        ({"features": [2**70]}, "can't serialize ints"),
    ],
)
def test_records_that_cannot_be_encoded_are_rejected_and_all_others_sent(
    changed, reason, receiver, sink_of
):
    with pytest.raises(RejectedError) as refused:
        sink_of(receiver.port).deliver(batch(record(0), record(1, **changed), record(2)))
    assert list(refused.value.reasons) == [1]
    assert refused.value.reasons[1].startswith("it cannot be encoded: ")
    assert reason.lower() in refused.value.reasons[1].lower()
    assert numbers(receiver) == [0, 2]


def test_a_batch_of_rejected_records_only_sends_nothing(sink_of, closed_port):
    with pytest.raises(RejectedError):
        sink_of(closed_port).deliver(batch(record(created_at="")))


def test_acknowledged_records_are_not_sent_again_with_their_batch(start_receiver, sink_of):
    receiver = start_receiver(acknowledges=2)
    sink = sink_of(receiver.port, "?timeout=2")
    records = [record(number) for number in range(2500)] + [record(7777, created_at="")]
    with pytest.raises(TimeoutError):
        sink.deliver(batch(*records))
    assert numbers(receiver) == list(range(2500))
    receiver.acknowledges = 100
    with pytest.raises(RejectedError) as refused:
        sink.deliver(batch(*records))
    assert list(refused.value.reasons) == [2500]
    assert numbers(receiver)[2500:] == list(range(2000, 2500))
    sink.deliver(batch(*records[:1]))
    assert numbers(receiver)[3000:] == [0]


def test_a_receiver_that_is_down_is_an_error_until_it_comes_back(
    closed_port, start_receiver, sink_of
):
    sink = sink_of(closed_port)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            sink.deliver(batch(record(0)))
    late = start_receiver(port=closed_port)
    sink.deliver(batch(record(0)))
    assert numbers(late) == [0]


@pytest.mark.slow
def test_a_receiver_that_is_too_slow_for_a_chunk_gets_smaller_ones(start_receiver, sink_of):
    receiver = start_receiver(pause=0.1)
    sink = sink_of(receiver.port, "?timeout=0.5")
    records = [record(number, features=["x" * 2**16]) for number in range(20)]
    tries = 0
    while tries < 20:
        tries += 1
        try:
            sink.deliver(batch(*records))
        except TimeoutError:
            continue
        break
    assert 1 < tries < 20
    assert set(numbers(receiver)) == set(range(20))


def test_a_closed_sink_opens_its_connection_again(receiver, sink_of):
    sink = sink_of(receiver.port)
    for number in range(3):
        sink.deliver(batch(record(number)))
        sink.close()
    assert numbers(receiver) == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_opens_its_own_connection(receiver, sink_of):
    sink = sink_of(receiver.port)
    sink.deliver(batch(record(0)))
    child = os.fork()
    if child == 0:
        try:
            sink.deliver(batch(record(1)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    sink.deliver(batch(record(2)))
    assert numbers(receiver) == [0, 1, 2]
    assert receiver.connections == 2
