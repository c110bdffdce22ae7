"""Takes a picture of the drift page, after flights of July: `python -m demo.screenshot page.png`.

It needs Chromium, and the package playwright. The service takes the flights and their delays in
one process, without HTTP, and also monitors each airport of departure.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flights import FEATURES, TARGET, load_flights
from playwright.sync_api import sync_playwright
from train import fit, january
from werkzeug.serving import make_server

from boxkite import Baseline, Monitor
from boxkite_flask import Boxkite
from demo.replay import shuffled
from demo.services import DRIFT_PATH, ServiceError

_SIZE = {"width": 1100, "height": 720}
_SHOWN = "?limit=3"  # one row of cards, so that segments and quality are in the picture too


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="demo.screenshot", description=__doc__)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--flights", type=int, default=5000)
    arguments = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        raise ServiceError("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, service(Path(name), arguments.flights) as address:
        photograph(f"{address}{DRIFT_PATH}{_SHOWN}", program, arguments.picture)
    print(f"written to {arguments.picture}")
    return 0


@contextlib.contextmanager
def service(folder: Path, number: int) -> Iterator[str]:
    """Serve the page of January's model after flights of July, and yield the address."""
    flights, _ = january()
    model = fit(flights)
    features = flights[FEATURES]
    baseline = Baseline.fit(
        features,
        {"arrival_delay": model.predict(features)},
        outcome=flights[TARGET],
        segments=["origin"],
        model="flight-delay",
    )
    app = Flask("flights")
    Boxkite(
        app, baseline=baseline, drift_path=DRIFT_PATH, outcome_ttl="7d", state_dir=str(folder),
        log="none:",
    )  # fmt: skip
    monitor: Monitor = app.extensions["boxkite"]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    july = shuffled(load_flights(7), number)
    delays = model.predict(july[FEATURES])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    ids = monitor.log_predictions(july[FEATURES], {"arrival_delay": delays})
    monitor.log_outcomes(zip(ids, july[TARGET], strict=True))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def photograph(address: str, program: str, picture: Path) -> None:
    """Write what a browser shows at an address, from the top to the bottom of the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light")
        page.goto(address)
        page.screenshot(path=picture, full_page=True)
        browser.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServiceError as error:
        sys.exit(f"demo: {error}")
