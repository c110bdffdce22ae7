"""A service starts and counts where it can write nothing, as in a hardened container."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import boxkite

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace"),
]

# A user without a name, a home or a group. Each process of the tests has a user of its own.
USER = 100_000 + os.getpid() % 1_000_000
PATIENCE = 60.0

FLASK = """
from flask import Flask, request
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app, registry=None)

@app.post("/predict")
@monitor.predict(features=["a"], output="score")
def predict():
    return {"score": 0.5 * bool(request.get_json())}
"""
FASTAPI = """
from fastapi import FastAPI
from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app, registry=None)

@app.post("/predict")
@monitor.predict(features=["a"], output="score")
async def predict(body: dict):
    return {"score": 0.5}
"""

# The mounts are seen by this process and its children only.
READ_ONLY = "mount --make-rprivate / && mount -o remount,bind,ro /"
WITHOUT_PROC = f"{READ_ONLY} && mount -t tmpfs -o ro none /proc"
FULL = f"{READ_ONLY} && mount -t tmpfs -o size=16k,uid={USER},mode=700 none /var/tmp/boxkite-{USER}"


@pytest.fixture
def foreign_folders() -> Iterator[None]:
    """Files of another user, root, where the user would keep its files by default."""
    folder, file = Path(f"/var/tmp/boxkite-{USER}"), Path(f"/tmp/boxkite-{USER}")
    folder.mkdir(mode=0o777)
    file.touch()
    try:
        yield
    finally:
        shutil.rmtree(folder)
        file.unlink()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with the programs and the baseline."""
    boxkite.Baseline.fit(
        {"a": np.arange(8.0)}, {"score": np.linspace(0, 1, 8)}, bins=2, model="m", version="1"
    ).write(tmp_path / "histogram.prom")
    (tmp_path / "flask_service.py").write_text(FLASK)
    (tmp_path / "fastapi_service.py").write_text(FASTAPI)
    return tmp_path


def gunicorn(port: int) -> list[str]:
    options = ["--bind", f"127.0.0.1:{port}", "--log-level", "critical"]
    return ["gunicorn", "flask_service:app", *options, "--worker-tmp-dir", "/dev/shm"]


def uvicorn(port: int) -> list[str]:
    return ["uvicorn", "fastapi_service:app", "--port", str(port), "--log-level", "critical"]


def ask(url: str, body: bytes | None = None) -> str:
    """Return an answer, once the server listens."""
    deadline = time.monotonic() + PATIENCE
    headers = {"Content-Type": "application/json"}
    while True:
        try:
            request = urllib.request.Request(url, body, headers)
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                content: str = response.read().decode()
                return content
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def served(command: list[str], mounts: str, folder: Path, **environment: str) -> Iterator[None]:
    """Run a server as the user, in a mount namespace."""
    # The interpreter may be in the home of root, so the user may read everything, and no more.
    capability = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    become = f"setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs {capability}"
    script = f'{mounts} && exec {become} "$@"'
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", *command],
            cwd=folder,
            stdout=output,
            stderr=output,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nowhere",
                "FLASK_BOXKITE_BASELINE": "histogram.prom",
                "BOXKITE_BASELINE": "histogram.prom",
                **environment,
            },
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def count(text: str, name: str, label: str = "") -> float:
    lines = [line for line in text.splitlines() if line.startswith(f"{name}{{") and label in line]
    (line,) = lines
    return float(line.rpartition(" ")[2])


def require_namespaces(mounts: str) -> None:
    made = subprocess.run(["unshare", "-m", "sh", "-c", mounts], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"this system allows no mounts: {made.stderr.decode()}")


def boxkite_lines(folder: Path) -> list[str]:
    """Return what boxkite told in the server's own log."""
    lines = (folder / "output").read_text().splitlines()
    assert [line for line in lines if "Traceback" in line] == []
    return [line for line in lines if "boxkite " in line]


FOREIGN = f"'/var/tmp/boxkite-{USER}' belongs to user 0; '/tmp/boxkite-{USER}' is not a folder"


@pytest.mark.usefixtures("foreign_folders")
@pytest.mark.parametrize(
    ("server", "mounts", "state_dir", "reason"),
    [
        pytest.param(gunicorn, READ_ONLY, "", FOREIGN, id="flask"),
        pytest.param(uvicorn, READ_ONLY, "", FOREIGN, id="fastapi"),
        pytest.param(uvicorn, WITHOUT_PROC, "", FOREIGN, id="no proc"),
        pytest.param(gunicorn, READ_ONLY, "/a/b", "'/a/b': Read-only file system", id="given"),
        pytest.param(
            *(uvicorn, READ_ONLY, f"/var/tmp/boxkite-{USER}"),
            f"'/var/tmp/boxkite-{USER}' is not writable",
            id="of root",
        ),
        pytest.param(
            *(gunicorn, FULL, f"/var/tmp/boxkite-{USER}"), "No space left on device", id="full"
        ),
    ],
)
def test_requests_are_served_and_counted_and_the_reason_is_told_once(
    server: Callable[[int], list[str]],
    mounts: str,
    state_dir: str,
    reason: str,
    program: Path,
    unused_port: int,
) -> None:
    require_namespaces(mounts)
    port = unused_port
    url = f"http://127.0.0.1:{port}"
    names = ("FLASK_BOXKITE_STATE_DIR", "BOXKITE_STATE_DIR")
    settings = dict.fromkeys(names, state_dir) if state_dir else {}
    with served(server(port), mounts, program, **settings):
        for number in range(30):
            body = json.dumps({"a": number}).encode()
            assert json.loads(ask(f"{url}/predict", body)) == {"score": 0.5}
        for _ in range(3):
            metrics = ask(f"{url}/metrics")
            assert count(metrics, "boxkite_predictions_total") == 30
            time.sleep(1.1)  # the folder is tried again, and the log is delivered again
        ask(f"{url}/predict", b'{"a": 1}')
        metrics = ask(f"{url}/metrics")
        assert count(metrics, "boxkite_predictions_total") == 31
        assert count(metrics, "boxkite_value_count", 'variable="a"') == 31
        assert count(metrics, "boxkite_log_pending_records") == 31
        assert count(metrics, "boxkite_errors_total", 'failed_stage="journal"') <= 1
    (line,) = boxkite_lines(program)
    assert reason in line
    assert "FLASK_BOXKITE_STATE_DIR under Flask, BOXKITE_STATE_DIR elsewhere" in line
