"""The fluentd exporter: its addresses, its records and its limits."""

import io
import signal
import socket
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime

import msgpack
import msgspec
import numpy as np
import pytest

from boxkite import ConfigError
from boxkite.classic.fluentd_sender import FluentdSender
from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch
from boxkite.monitoring.collector import ComputedMetricCollector
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter import FluentdExporter
from boxkite.monitoring.service import ModelMonitoringService

ENTITY = uuid.UUID("12345678-1234-5678-1234-567812345678")
PREDICTION = PredictionContext(
    entity_id=ENTITY,
    features=[np.float32(0.5), np.int64(2), None, "AA"],
    request_body='{"a": 1}',
    server_id="flights",
    output=np.array([0.25, 0.75]),
    created_at=datetime(2013, 7, 1, 12, 30, 15, 250_000, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("FLUENTD_ADDR", "FLUENTD_PREFIX", "ENDPOINT_ID", "POD_NAME"):
        monkeypatch.delenv(f"BEDROCK_{name}", raising=False)


@pytest.fixture
def dropped():
    """What an exporter without room drops: all, unpacked."""
    found = []

    def export(**options):
        exporter = FluentdExporter(
            bufmax=1, buffer_overflow_handler=lambda each: found.append(each), **options
        )
        exporter.emit(PREDICTION)
        return msgpack.unpackb(found[-1])

    return export


def test_a_record_has_the_fields_of_the_predecessor(dropped):
    tag, time, record = dropped()
    assert tag == "models.predictions.unknown-endpoint.unknown-pod"
    assert time == msgpack.ExtType(0, (1372681815).to_bytes(4) + (250_000_000).to_bytes(4))
    assert record == {
        "entity_id": str(ENTITY),
        "features": [0.5, 2, None, "AA"],
        "request_body": '{"a": 1}',
        "server_id": "flights",
        "output": [0.25, 0.75],
        "created_at": 1372681815,
    }


def test_the_time_may_be_whole_seconds(dropped):
    assert dropped(nanosecond_precision=False)[1] == 1372681815


def test_the_tag_is_of_the_environment(dropped, monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_PREFIX", "log")
    monkeypatch.setenv("BEDROCK_ENDPOINT_ID", "delay")
    monkeypatch.setenv("BEDROCK_POD_NAME", "pod-7")
    assert dropped()[0] == "log.delay.pod-7"
    assert dropped(tag="mine")[0] == "mine"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (None, "fluentd-logging.core.svc.cluster.local", 24224),
        ("collector", "collector", 24224),
        ("collector:9000", "collector", 9000),
        ("[::1]:9000", "::1", 9000),
        ("unix:///run/fluentd", "unix:///run/fluentd", 0),
    ],
)
def test_the_address_is_of_the_environment(text, host, port, monkeypatch):
    if text is not None:
        monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", text)
    sender = FluentdExporter().sender
    assert (sender.host, sender.port) == (host, port)


@pytest.mark.parametrize("text", ["collector:port", "collector:70000", "[::1"])
def test_what_is_no_address_is_named(text, monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", text)
    with pytest.raises(ConfigError, match="BEDROCK_FLUENTD_ADDR is "):
        FluentdExporter()


def test_arguments_of_the_predecessors_sender_are_taken(caplog):
    sender = FluentdExporter(
        host="other",
        port=1,
        timeout=9.0,
        bufmax=100,
        queue_maxsize=7,
        verbose=True,
        msgpack_kwargs={},
    ).sender
    assert (sender.host, sender.port, sender.timeout) == ("other", 1, 9.0)
    assert (sender.max_bytes, sender.max_records) == (100, 7)
    assert caplog.messages == ["FluentdExporter ignores these arguments: msgpack_kwargs, verbose"]


def test_a_queue_of_size_nought_has_no_bound():
    default = FluentdSender("a", "b", 1)
    assert FluentdExporter(queue_maxsize=0).sender.max_records > 1_000_000 > default.max_records


def test_close_drops_what_cannot_be_sent():
    exporter = FluentdExporter(host="127.0.0.1", port=1)
    exporter.emit(PREDICTION)
    exporter.close(timeout=0)
    assert (exporter.sender.dropped, exporter.sender.pending) == (1, 0)


CONTEXT = LogContext(
    sink="FluentdExporter",
    server_id="flights",
    endpoint_id="delay",
    logger_id="logger",
    replica_id="pod-7",
    model="flights",
    version="1",
)


def record(**changed):
    fields = {
        "prediction_id": f"flights/2013-07-01T12:30:15/{ENTITY}",
        "entity_id": str(ENTITY),
        "server_id": "flights",
        "endpoint_id": "delay",
        "model": "flights",
        "version": "1",
        "created_at": "2013-07-01T12:30:15.250000Z",
        "features": [0.5, 2, None, "AA"],
        "output": [0.25, 0.75],
        "request_body": '{"a": 1}',
    }
    return LogRecord(**{**fields, **changed})


@pytest.fixture
def sent():
    """Returns what a receiver gets of some records from the sink of an exporter."""

    def deliver(exporter_class, *records, **options):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            exporter = exporter_class(host="127.0.0.1", port=port, **options)
            received = []
            thread = threading.Thread(target=lambda: received.extend(take_one(server)))
            thread.start()
            exporter.sink.deliver(Batch(CONTEXT, records))
            thread.join()
            exporter.sink.close()
        return received

    return deliver


def take_one(server):
    """Return tag and entries of the first message that comes, and acknowledge it."""
    unpacker = msgpack.Unpacker()
    connection, _ = server.accept()
    with connection:
        while True:
            unpacker.feed(connection.recv(65536))
            for tag, packed, option in unpacker:
                connection.sendall(msgpack.packb({"ack": option["chunk"]}))
                return tag, list(msgpack.Unpacker(io.BytesIO(packed)))


@pytest.mark.parametrize("options", [{}, {"nanosecond_precision": False}, {"tag": "mine"}])
def test_the_sink_sends_what_emit_sends(options, dropped, sent):
    tag, time, fields = dropped(**options)
    assert sent(FluentdExporter, record(), **options) == [tag, [[time, fields]]]


def test_the_sink_sends_a_missing_body_as_none(sent):
    _, ((_, fields),) = sent(FluentdExporter, record(request_body=msgspec.UNSET))
    assert fields["request_body"] is None
    assert list(fields) == [
        *("entity_id", "features", "request_body", "server_id", "output", "created_at")
    ]


def test_the_sink_of_an_exporter_is_one():
    exporter = FluentdExporter(host="127.0.0.1", port=1, timeout=1.0)
    assert exporter.sink is exporter.sink
    assert (exporter.sink.name, exporter.sink.whole_minutes) == ("fluentd", False)
    with pytest.raises(ConnectionRefusedError):
        exporter.sink.deliver(Batch(CONTEXT, [record()]))
    assert exporter.sender.pending == 0


def test_a_class_with_an_emit_of_its_own_gets_the_records():
    class Marked(FluentdExporter):
        taken = ()

        def emit(self, prediction):
            self.taken += (prediction.entity_id,)

    exporter = Marked()
    exporter.sink.deliver(Batch(CONTEXT, [record()]))
    assert exporter.taken == (ENTITY,)
    assert exporter.sink.name == "exporter"


KILLED = """
import os, signal, sys
from boxkite.monitoring.collector import ComputedMetricCollector
from boxkite.monitoring.exporter import FluentdExporter
from boxkite.monitoring.service import ModelMonitoringService

exporter = FluentdExporter(host="127.0.0.1", port=int(sys.argv[1]))
service = ModelMonitoringService(exporter, ComputedMetricCollector([]))
for number in range(int(sys.argv[2])):
    print(service.log_prediction("{}", [number, "AA"], 0.5))
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_waits_when_the_process_is_killed_is_sent_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("BOXKITE_STATE_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    command = [sys.executable, "-c", KILLED, str(port), "20"]
    killed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    identities = killed.stdout.split()
    assert (killed.returncode, len(identities)) == (-signal.SIGKILL, 20)
    with socket.create_server(("127.0.0.1", port)) as server:
        exporter = FluentdExporter(host="127.0.0.1", port=port)
        service = ModelMonitoringService(exporter, ComputedMetricCollector([]))
        service.export_http()
        _, entries = take_one(server)
        service.close()
    assert [
        (fields["entity_id"], fields["features"], fields["request_body"]) for _, fields in entries
    ] == [(each.split("/")[2], [number, "AA"], "{}") for number, each in enumerate(identities)]
