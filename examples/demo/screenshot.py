"""Takes a picture of the drift page, after flights of July: `python -m demo.screenshot page.png`.

It needs Chromium, and the package playwright.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from flights import FEATURES, load_flights
from playwright.sync_api import sync_playwright
from train import main as train

from demo.replay import replay, shuffled
from demo.services import DRIFT_PATH, ServiceError, flask_service

_SIZE = {"width": 1080, "height": 720}


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="demo.screenshot", description=__doc__)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--flights", type=int, default=2000)
    arguments = parser.parse_args()
    program = shutil.which("chromium")
    if program is None:
        raise ServiceError("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder / "model.skops", folder / "histogram.prom")
        with flask_service(folder) as service:
            flights = shuffled(load_flights(7), arguments.flights)
            replay(service, flights[FEATURES], lambda: None)
            photograph(f"{service}{DRIFT_PATH}", program, arguments.picture)
    print(f"written to {arguments.picture}")
    return 0


def photograph(address: str, program: str, picture: Path) -> None:
    """Write what a browser shows at an address, without scrolling."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light")
        page.goto(address)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServiceError as error:
        sys.exit(f"demo: {error}")
