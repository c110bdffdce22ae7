"""Several workers under a real server: each prediction is counted once, whatever ends a worker."""

import importlib.util
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers find each other by /proc"
)

Serve = Callable[..., Any]

SYNC = ("gunicorn", "--workers", "3", "--log-level", "critical")


def _needs(package: str) -> pytest.MarkDecorator:
    """Skip where a server is not installed; in CI fail."""
    missing = importlib.util.find_spec(package) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"not installed: pip install {package}")


SERVERS = {
    "sync": SYNC,
    "sync-preload": (*SYNC, "--preload"),
    "gthread": (*SYNC, "--threads", "4"),
    "gthread-preload": (*SYNC, "--threads", "4", "--preload"),
    "gevent": (*SYNC, "--worker-class", "gevent"),
    "gevent-preload": (*SYNC, "--worker-class", "gevent", "--preload"),
    "uvicorn": ("uvicorn", "--workers", "2", "--log-level", "critical"),
    "uwsgi": (
        *("uwsgi", "--master", "--processes", "3", "--enable-threads", "--need-app"),
        # A worker that is started while the master is told to end may not hear of it.
        *("--die-on-term", "--worker-reload-mercy", "5", "--disable-logging"),
    ),
}
MARKS = {
    "sync-preload": [pytest.mark.slow],
    "gthread": [pytest.mark.slow],
    "gthread-preload": [pytest.mark.slow],
    "gevent": [_needs("gevent")],
    "gevent-preload": [_needs("gevent"), pytest.mark.slow],
    "uwsgi": [_needs("pyuwsgi"), pytest.mark.slow],
}
every_server = pytest.mark.parametrize(
    "server",
    [pytest.param(SERVERS[name], id=name, marks=MARKS.get(name, ())) for name in SERVERS],
)


@every_server
def test_each_scrape_shows_what_all_workers_answered(server: tuple[str, ...], serve: Serve) -> None:
    service = serve(*server)
    service.predict_by_two_workers()
    for total in (202, 402):
        service.predict_repeatedly(threads=4, number=50)
        assert service.acknowledged == total
        assert {service.predictions() for _ in range(6)} == {total}
    counts = service.scrape()
    assert (
        counts[
            'boxkite_value_count{model_name="m",model_version="1",variable_role="feature",variable="a"}'
        ]
        == 402
    )


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(SERVERS["sync"], id="sync"),
        pytest.param(SERVERS["gthread"], id="gthread"),
        pytest.param(SERVERS["gevent"], id="gevent", marks=_needs("gevent")),
    ],
)
@pytest.mark.slow
def test_graceful_restarts_lose_and_add_nothing(server: tuple[str, ...], serve: Serve) -> None:
    service = serve(*server, "--max-requests", "50", "--max-requests-jitter", "20")
    threads, workers, each = 2, 3, 20
    done = threading.Event()

    def restart() -> None:
        # By what is answered, not by the clock: a slow machine would do nothing but restart.
        for acknowledged in range(40, 360, 80):
            while service.acknowledged < acknowledged:
                if done.wait(0.02):
                    return
            service.process.send_signal(signal.SIGHUP)

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        for total in (120, 240, 360):
            service.predict_once_each(threads * workers, each)
            assert service.predictions() == total
            assert service.processed() == list(range(total))
    finally:
        done.set()
        restarting.join()


@pytest.mark.slow
@_needs("pyuwsgi")
def test_a_reload_of_uwsgi_loses_and_adds_nothing(serve: Serve) -> None:
    # A reload loads the interpreter anew, outside of its virtual environment.
    service = serve(*SERVERS["uwsgi"], PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    workers: set[int] = set()
    for total in (60, 120, 180):
        service.workers.clear()
        service.predict_once_each(threads=4, number=15)
        assert workers.isdisjoint(service.workers)
        workers |= service.workers
        assert service.predictions() == total
        assert service.processed() == list(range(total))
        service.process.send_signal(signal.SIGHUP)
        while any(Path(f"/proc/{worker}").exists() for worker in service.workers):
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("server", "kills"),
    [
        pytest.param(SERVERS["sync"], 5, id="sync-5"),
        pytest.param(SERVERS["gthread-preload"], 5, id="gthread-preload-5"),
        pytest.param(SERVERS["sync"], 30, id="sync-30", marks=pytest.mark.slow),
        pytest.param(
            *(SERVERS["gthread"], 30),
            id="gthread-30",
            marks=[pytest.mark.slow, pytest.mark.exhaustive],
        ),
        pytest.param(
            SERVERS["gevent"], 30, id="gevent-30", marks=[_needs("gevent"), pytest.mark.slow]
        ),
        pytest.param(
            *(SERVERS["gevent-preload"], 30),
            id="gevent-preload-30",
            marks=[_needs("gevent"), pytest.mark.slow, pytest.mark.exhaustive],
        ),
        pytest.param(SERVERS["uvicorn"], 5, id="uvicorn-5", marks=pytest.mark.slow),
        pytest.param(
            SERVERS["uwsgi"], 20, id="uwsgi-20", marks=[_needs("pyuwsgi"), pytest.mark.slow]
        ),
    ],
)
# On a machine with many other tests, a new worker takes several seconds to start.
@pytest.mark.timeout(1200)
def test_workers_killed_at_random_lose_nothing_acknowledged(
    server: tuple[str, ...], kills: int, serve: Serve
) -> None:
    service = serve(*server)
    killed = 0
    last: dict[str, float] = {}
    with service.under_load(threads=4):
        while killed < kills:
            killed += service.kill_a_worker()
            before = service.acknowledged
            counts = service.scrape()
            after = service.sent
            shown = counts['boxkite_predictions_total{model_name="m",model_version="1"}']
            assert before <= shown <= after
            assert [s for s, count in counts.items() if count < last.get(s, 0)] == []
            last = counts
            time.sleep(0.1)
    assert service.acknowledged <= service.predictions() <= service.sent


@pytest.mark.slow
def test_two_services_started_by_one_process_do_not_share(serve: Serve) -> None:
    one, two = serve(*SYNC), serve(*SYNC)
    one.predict_repeatedly(threads=2, number=10)
    two.predict_repeatedly(threads=2, number=15)
    assert (one.predictions(), two.predictions()) == (20, 30)


CHANGED_USER = """
# Loaded by root: another user may not be able to read the interpreter's own files.
import _strptime, encodings.idna
preload_app = True
user = "nobody"
"""
NOTHING_TOLD = """
# As on macOS, which has no /proc. It shows how workers are named there, and nothing else of macOS.
import sys
import tempfile
import boxkite_flask
preload_app = True
sys.platform = "darwin"
"""


@pytest.fixture
def open_to_all() -> Iterator[str]:
    """Give a folder for temporary files that other users can write, as /var/tmp is."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o1777)
        yield folder


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(
            CHANGED_USER,
            id="another user",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user"),
        ),
        pytest.param(NOTHING_TOLD, id="no proc", marks=pytest.mark.slow),
    ],
)
def test_workers_who_cannot_see_their_parent_find_each_other_and_no_other_service(
    config: str, serve: Serve, tmp_path: Path, open_to_all: str
) -> None:
    (tmp_path / "config.py").write_text(config)
    server = (*SYNC, "--config", "config.py")
    one, two = (serve(*server, TMPDIR=open_to_all) for _ in range(2))
    for service, number in ((one, 30), (two, 40)):
        service.predict_by_two_workers()
        service.predict_repeatedly(threads=4, number=number)
        assert service.kill_a_worker()
    assert {one.predictions() for _ in range(6)} == {122}
    assert {two.predictions() for _ in range(6)} == {162}


def test_with_a_folder_counts_go_on_after_the_service_was_started_again(
    serve: Serve, tmp_path: Path
) -> None:
    for total in (20, 40):
        service = serve(*SYNC, FLASK_BOXKITE_STATE_DIR=str(tmp_path / "state"))
        service.predict_repeatedly(threads=2, number=10)
        assert service.predictions() == total
        os.kill(service.process.pid, signal.SIGTERM)
        service.process.wait(60)
    (population,) = (tmp_path / "state").iterdir()
    assert population.name.startswith("m-")
