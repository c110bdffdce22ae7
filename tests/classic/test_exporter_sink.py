"""Exporters of 0.0.5 as sinks: each record once, in order, whatever the exporter raises."""

import uuid
from datetime import UTC, datetime

import pytest

from boxkite.classic.exporter_sink import ExporterSink, prediction_of
from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, RejectedError
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter.type import LogExporter

CONTEXT = LogContext(
    sink="Kept",
    server_id="flights",
    endpoint_id="delay",
    logger_id="logger",
    replica_id="pod-7",
    model="flights",
    version="1",
)


def record(number, **changed):
    entity_id = str(uuid.UUID(int=number))
    fields = {
        "prediction_id": f"flights/2013-07-01T12:30:15/{entity_id}",
        "entity_id": entity_id,
        "server_id": "flights",
        "endpoint_id": "delay",
        "model": "flights",
        "version": "1",
        "created_at": "2013-07-01T12:30:15.250001Z",
        "features": [number, "AA"],
        "output": 0.5,
    }
    return LogRecord(**{**fields, **changed})


def batch(*numbers):
    return Batch(CONTEXT, [record(number) for number in numbers])


class Failing(LogExporter):
    """Keeps what it takes, and raises what it is told to for some numbers."""

    def __init__(self):
        self.errors = {}
        self.emitted = []

    def emit(self, prediction):
        number = prediction.entity_id.int
        self.emitted.append(number)
        if number in self.errors:
            raise self.errors[number]


def test_a_record_is_a_prediction_again():
    found = prediction_of(record(7, request_body='{"a": 1}'))
    assert found == PredictionContext(
        entity_id=uuid.UUID(int=7),
        features=[7, "AA"],
        request_body='{"a": 1}',
        server_id="flights",
        output=0.5,
        created_at=datetime(2013, 7, 1, 12, 30, 15, 250_001, tzinfo=UTC),
    )
    assert found.prediction_id == record(7).prediction_id
    assert prediction_of(record(7)).request_body is None


def test_each_record_is_emitted_once_and_in_order():
    exporter = Failing()
    sink = ExporterSink(exporter)
    sink.deliver(batch(1, 2, 3))
    sink.deliver(batch(4))
    assert exporter.emitted == [1, 2, 3, 4]


def test_after_an_oserror_only_the_rest_is_emitted_again():
    exporter = Failing()
    sink = exporter.sink
    exporter.errors = {3: OSError("disk full")}
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            sink.deliver(batch(1, 2, 3, 4))
    exporter.errors = {}
    sink.deliver(batch(1, 2, 3, 4, 5))
    assert exporter.emitted == [1, 2, 3, 3, 3, 4, 5]


def test_any_other_error_refuses_the_record_once():
    exporter = Failing()
    sink = ExporterSink(exporter)
    exporter.errors = {2: ValueError("no such column"), 4: TimeoutError("slow")}
    with pytest.raises(TimeoutError):
        sink.deliver(batch(1, 2, 3, 4))
    del exporter.errors[4]
    with pytest.raises(RejectedError) as refused:
        sink.deliver(batch(1, 2, 3, 4))
    assert refused.value.reasons == {1: "ValueError: no such column"}
    assert exporter.emitted == [1, 2, 3, 4, 4]


def test_a_record_that_is_no_prediction_is_refused():
    exporter = Failing()
    with pytest.raises(RejectedError) as refused:
        ExporterSink(exporter).deliver(Batch(CONTEXT, [record(1, created_at="now"), record(2)]))
    assert refused.value.reasons == {0: "ValueError: Invalid isoformat string: 'now'"}
    assert exporter.emitted == [2]


def test_each_exporter_has_a_sink():
    exporter = Failing()
    exporter.sink.deliver(batch(1))
    assert exporter.emitted == [1]
    assert exporter.sink is exporter.sink
    assert (exporter.sink.name, exporter.sink.whole_minutes) == ("exporter", False)


def test_what_came_through_is_forgotten():
    exporter = Failing()
    sink = ExporterSink(exporter)
    for _ in range(2):
        sink.deliver(batch(1))
    assert exporter.emitted == [1, 1]
