"""The exporter against a receiver of the forward protocol that is not ours."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter import FluentdExporter

PACKAGE = "@fluent-org/logger@1.0.10"
PEER = Path(__file__).with_name("peer.js")


def lacking(what: str) -> None:
    """Skip the test, or fail it where all must run."""
    message = f"{what}: the test needs Node.js and npm install {PACKAGE}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The receiver, which prints its port and then each entry as a line of JSON."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        lacking("no npm or no node")
    install = [npm, "install", "--prefix", tmp_path, "--no-audit", "--no-fund", PACKAGE]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        lacking(done.stderr[-300:])
    shutil.copy(PEER, tmp_path)
    with subprocess.Popen([node, tmp_path / PEER.name], stdout=subprocess.PIPE, text=True) as peer:
        yield peer
        peer.terminate()


@pytest.mark.slow
def test_a_receiver_that_is_not_ours_takes_and_acknowledges_records(peer):
    exporter = FluentdExporter(host="127.0.0.1", port=int(peer.stdout.readline()), tag="flights")
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
    received = [json.loads(peer.stdout.readline()) for _ in predictions]
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
