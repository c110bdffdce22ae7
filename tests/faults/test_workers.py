"""Several workers under a real server: each prediction is counted once, whatever ends a worker."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers find each other by /proc"
)

Serve = Callable[..., Any]

SYNC = ("gunicorn", "--workers", "3", "--log-level", "critical")
SERVERS = {
    "sync": SYNC,
    "sync-preload": (*SYNC, "--preload"),
    "gthread": (*SYNC, "--threads", "4"),
    "gthread-preload": (*SYNC, "--threads", "4", "--preload"),
    "uvicorn": ("uvicorn", "--workers", "2", "--log-level", "critical"),
}
every_server = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)


@every_server
def test_each_scrape_shows_what_all_workers_answered(server: tuple[str, ...], serve: Serve) -> None:
    service = serve(*server)
    for total in (200, 400):
        service.predict_repeatedly(threads=4, number=50)
        assert service.acknowledged == total
        assert {service.predictions() for _ in range(6)} == {total}
    assert len(service.workers) > 1
    counts = service.scrape()
    assert counts['boxkite_value_count{model="m",version="1",role="feature",variable="a"}'] == 400


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(SERVERS["sync"], id="sync", marks=pytest.mark.slow),
        pytest.param(SERVERS["gthread"], id="gthread"),
    ],
)
def test_graceful_restarts_lose_and_add_nothing(server: tuple[str, ...], serve: Serve) -> None:
    service = serve(*server, "--max-requests", "50", "--max-requests-jitter", "20")
    done = threading.Event()

    def restart() -> None:
        while not done.wait(1.5):
            service.process.send_signal(signal.SIGHUP)

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        for total in (160, 320, 480):
            service.predict_repeatedly(threads=4, number=40)
            assert service.acknowledged == total
            # Exactly so many, unless the server let a request fall when it ended a worker.
            assert total <= service.predictions() <= service.sent
    finally:
        done.set()
        restarting.join()


@pytest.mark.parametrize(
    ("server", "kills"),
    [
        pytest.param(SERVERS["sync"], 5, id="sync-5"),
        pytest.param(SERVERS["gthread-preload"], 5, id="gthread-preload-5"),
        pytest.param(SERVERS["sync"], 50, id="sync-50", marks=pytest.mark.slow),
        pytest.param(SERVERS["gthread"], 50, id="gthread-50", marks=pytest.mark.slow),
        pytest.param(SERVERS["uvicorn"], 5, id="uvicorn-5", marks=pytest.mark.slow),
    ],
)
def test_workers_killed_at_random_lose_nothing_acknowledged(
    server: tuple[str, ...], kills: int, serve: Serve
) -> None:
    service = serve(*server)
    killed = 0
    last: dict[str, float] = {}
    deadline = time.monotonic() + 300
    with service.under_load(threads=4):
        while killed < kills:
            assert time.monotonic() < deadline
            killed += service.kill_a_worker()
            before = service.acknowledged
            counts = service.scrape()
            after = service.sent
            shown = counts['boxkite_predictions_total{model="m",version="1"}']
            assert before <= shown <= after
            assert [s for s, count in counts.items() if count < last.get(s, 0)] == []
            last = counts
            time.sleep(0.1)
    assert service.acknowledged <= service.predictions() <= service.sent


def test_two_services_started_by_one_process_do_not_share(serve: Serve) -> None:
    one, two = serve(*SYNC), serve(*SYNC)
    one.predict_repeatedly(threads=2, number=10)
    two.predict_repeatedly(threads=2, number=15)
    assert (one.predictions(), two.predictions()) == (20, 30)


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
