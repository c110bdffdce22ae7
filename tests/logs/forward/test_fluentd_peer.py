"""Test exporter and sink against a foreign receiver of the forward protocol."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
import trustme

from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.fluentd_sink import FluentdSink
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter import FluentdExporter
from tests.logs.conftest import FLUENTD_CONTEXT as CONTEXT

PACKAGE = "@fluent-org/logger@1.0.10"
PEER = Path(__file__).with_name("peer.js")


@pytest.fixture
def start_peer(
    npm_programs: Callable[..., Path],
) -> Iterator[Callable[..., tuple[int, Iterator[str]]]]:
    """Start receivers. Return the port, and the entries as lines of JSON."""
    modules = npm_programs(PACKAGE)
    with ExitStack() as started:

        def start(**options: object) -> tuple[int, Iterator[str]]:
            command = ["node", PEER, json.dumps(options)]
            environment = {**os.environ, "NODE_PATH": str(modules)}
            peer = started.enter_context(
                subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            )
            started.callback(peer.terminate)
            return int(peer.stdout.readline()), peer.stdout

        yield start


@pytest.mark.slow
def test_a_foreign_receiver_takes_and_acknowledges_predictions(start_peer):
    port, entries = start_peer()
    exporter = FluentdExporter(host="127.0.0.1", port=port, tag="flights")
    predictions = [
        PredictionContext(
            entity_id=uuid.uuid4(),
            features=[np.float32(0.5), number, None, "Zürich ✈"],
            request_body="{}",
            server_id="server",
            output=np.float64(0.25),
            created_at=datetime(2013, 7, 1, 12, 30, 15, number, tzinfo=UTC),
        )
        for number in range(2500)
    ]
    for each in predictions:
        exporter.emit(each)
    received = [json.loads(next(entries)) for _ in predictions]
    assert received == [
        [
            "flights",
            [1372681815, each.created_at.microsecond * 1000],
            {
                "entity_id": str(each.entity_id),
                "features": [0.5, each.features[1], None, "Zürich ✈"],
                "request_body": "{}",
                "server_id": "server",
                "output": 0.25,
                "created_at": 1372681815,
            },
        ]
        for each in predictions
    ]
    assert exporter.flush(60)
    assert (exporter.sender.sent, exporter.sender.dropped) == (2500, 0)
    exporter.close()


RECORDS = [
    LogRecord(
        prediction_id=f"server/2013-07-01T12:30:15/{number}",
        entity_id=str(number),
        server_id="server",
        endpoint_id="delay",
        model="flights",
        version="1",
        created_at=f"2013-07-01T12:30:15.{number:06}Z",
        features={"delay": 0.5, "carrier": "Zürich ✈"},
        output=0.25,
        request_body={"a": [number, None]},
    )
    for number in range(2500)
]


def deliver(url):
    with closing(FluentdSink.from_url(url)) as sink:
        sink.deliver(Batch(CONTEXT, RECORDS))


def expected():
    return [
        [
            "models.predictions.delay.pod-7",
            [1372681815, number * 1000],
            json.loads(msgspec.json.encode(record)),
        ]
        for number, record in enumerate(RECORDS)
    ]


def secured(folder):
    """Return the options of a receiver with TLS, key and user, and the query that fits them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "shared_key").write_text("key of both")
    (folder / "password").write_text("secret")
    security = {
        "serverHostname": "peer",
        "sharedKey": "key of both",
        "authorize": True,
        "userDict": {"flights": "secret"},
    }
    options = {
        "cert": str(folder / "cert.pem"),
        "key": str(folder / "key.pem"),
        "security": security,
    }
    query = (
        f"ca={folder}/ca.pem&shared_key_file={folder}/shared_key"
        f"&username=flights&password_file={folder}/password"
    )
    return options, query


@pytest.mark.slow
def test_a_foreign_receiver_takes_log_records(start_peer):
    port, entries = start_peer()
    deliver(f"fluentd://127.0.0.1:{port}")
    assert [json.loads(next(entries)) for _ in RECORDS] == expected()


@pytest.mark.slow
def test_a_foreign_receiver_takes_them_with_tls_key_and_user(start_peer, tmp_path):
    options, query = secured(tmp_path)
    port, entries = start_peer(**options)
    deliver(f"fluentd+tls://127.0.0.1:{port}?{query}")
    assert [json.loads(next(entries)) for _ in RECORDS] == expected()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("secret", "said"),
    [("shared_key", "shared key mismatch"), ("password", "username/password mismatch")],
)
def test_a_foreign_receiver_refuses_a_wrong_secret(secret, said, start_peer, tmp_path):
    options, query = secured(tmp_path)
    (tmp_path / secret).write_text("another")
    port, _ = start_peer(**options)
    with pytest.raises(ConnectionError, match=f"it refused the handshake: b'{said}'"):
        deliver(f"fluentd+tls://127.0.0.1:{port}?{query}")
