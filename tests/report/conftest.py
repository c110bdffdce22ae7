"""A browser for tests of pages."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


def lacking(message: str) -> None:
    """Skip a test that cannot run here, or fail it in CI, where everything is installed."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The installed Chromium."""
    program = shutil.which("chromium")
    if program is None:
        lacking("chromium is not installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        # Containers do not allow a sandbox.
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


Visit = Callable[..., Any]


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open pages, and check at the end that none reported an error or asked another host."""
    complaints: list[str] = []
    with ExitStack() as open_contexts:

        def open_page(url: str, *, clock: bool = False, **options: Any) -> Any:
            context = browser.new_context(**options)
            open_contexts.callback(context.close)
            page = context.new_page()
            host = urlsplit(url).netloc

            def asked(request: Any) -> None:
                if urlsplit(request.url).netloc != host:
                    complaints.append(f"asked {request.url}")

            def answered(response: Any) -> None:
                if response.status >= 400:
                    complaints.append(f"{response.url} answered {response.status}")

            page.on("request", asked)
            page.on("response", answered)
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
            if clock:  # the test controls the time
                page.clock.install()
            page.goto(url)
            return page

        yield open_page
    assert complaints == []


@pytest.fixture
def screenshot() -> Callable[[Any, str], None]:
    """Save a screenshot of a page in the folder BOXKITE_SCREENSHOTS."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("BOXKITE_SCREENSHOTS", root / "tests" / "artifacts"))
    folder.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return keep


AXE = "axe-core@4"


@pytest.fixture(scope="session")
def axe(npm_programs: Callable[..., Path]) -> Callable[[Any], Mapping[str, list[str]]]:
    """Return the rules of axe-core that a page violates, with the HTML of each place."""
    source = (npm_programs(AXE) / "axe-core/axe.min.js").read_text("utf-8")

    def violations(page: Any) -> Mapping[str, list[str]]:
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        return {each["id"]: [node["html"] for node in each["nodes"]] for each in found}

    return violations
