"""The drift page in Chromium: looks, search, refresh, keyboard, and nothing it should not do."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pytest
import uvicorn
from flask import Flask
from starlette.applications import Starlette
from werkzeug.serving import WSGIRequestHandler, make_server

import boxkite_flask
import boxkite_starlette
from boxkite import Baseline, Monitor

Visit = Callable[..., Any]

PHONE = {"width": 360, "height": 740}
SCREEN = {"width": 1280, "height": 900}
REFRESH_SECONDS = 16
NARROWEST = 320 / 60
"""What a bin that is narrower counts as, so that it leaves some height for the others."""

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m"
HOSTILE_CATEGORY = "<img src=x onerror=alert(1)>"
PATH = "/monitoring/drift"


def table(rows: int, variables: int, *, drifted: bool) -> dict[str, Any]:
    """Return columns of so many variables, at least five; of those that drift two have moved."""
    random = np.random.default_rng(2 if drifted else 1)
    shift = 1.0 if drifted else 0.0
    columns = {
        "delay": random.exponential(20, rows) + 30 * shift,
        "distance": random.lognormal(6.5, 0.6, rows),
        "hour": random.integers(5, 23, rows).astype(float),
        "carrier": random.choice(["AA", "UA", HOSTILE_CATEGORY], rows, p=[0.5, 0.3, 0.2]).tolist(),
        HOSTILE: random.normal(shift, 1, rows),
    }
    more = {f"column_{i:04}": random.normal(0, 1, rows) for i in range(variables - len(columns))}
    return columns | more


class Service(NamedTuple):
    """An application that serves the drift page.

    Attributes:
        address: of the page.
        monitor: whose drift it shows.
    """

    address: str
    monitor: Monitor


@contextmanager
def flask_app(baseline: Baseline) -> Iterator[Service]:
    """Serve the page of a Flask application."""
    app = Flask("service")
    boxkite_flask.Boxkite(app, baseline=baseline, drift_path=PATH, registry=None)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    with running(server.serve_forever, server.shutdown):
        yield Service(f"http://127.0.0.1:{server.port}{PATH}", app.extensions["boxkite"])


class QuietHandler(WSGIRequestHandler):
    """One that writes no line for each request."""

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def starlette_app(baseline: Baseline) -> Iterator[Service]:
    """Serve the page of a Starlette application."""
    app = Starlette()
    boxkite_starlette.Boxkite(app, baseline=baseline, drift_path=PATH, registry=None)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))

    def stop() -> None:
        server.should_exit = True

    with running(server.run, stop):
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Service(f"http://127.0.0.1:{port}{PATH}", app.state.boxkite)


@contextmanager
def running(serve: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Serve in a thread until the context ends."""
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


APPS = {"flask": flask_app, "starlette": starlette_app}


@contextmanager
def served(kind: str, variables: int = 5) -> Iterator[Service]:
    """Serve a model of so many features and an output, that has met 600 predictions."""
    trained, live = table(3000, variables, drifted=False), table(600, variables, drifted=True)
    score = {"score": trained["distance"]}
    baseline = Baseline.fit(trained, score, model="arrivals", version="7")
    with APPS[kind](baseline) as service:
        columns = [np.asarray(column).tolist() for column in live.values()]
        for row in zip(*columns, strict=True):
            service.monitor.log_prediction(list(row), row[1])
        yield service


@pytest.fixture(scope="module", params=["flask", pytest.param("starlette", marks=pytest.mark.slow)])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """An application of each framework; two of its six variables have drifted."""
    with served(request.param) as found:
        yield found


@pytest.fixture
def address(service: Service) -> str:
    """Where its page is."""
    return service.address


def names(page: Any) -> list[str]:
    """Return the names of the cards in their order."""
    found: list[str] = page.locator("article h2").all_inner_texts()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "viewport"), [("screen", SCREEN), ("phone", PHONE)])
def test_the_page_fits_any_screen_in_light_and_dark(
    visit: Visit, screenshot: Any, address: str, scheme: str, size: str, viewport: Any
) -> None:
    page = visit(address, color_scheme=scheme, viewport=viewport)
    screenshot(page, f"page-{size}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    words = f"Drift in 2 of 6 variables: delay, {HOSTILE}."
    assert page.locator(".words").inner_text() == words
    assert len(names(page)) == 6


def test_hostile_names_and_categories_are_text(visit: Visit, address: str) -> None:
    page = visit(address)
    assert page.locator("main script, main img").count() == 0
    assert HOSTILE in names(page)
    assert page.locator("#cards th", has_text=HOSTILE_CATEGORY).count() == 1


@pytest.mark.slow
def test_the_json_is_what_the_monitor_says(visit: Visit, service: Service) -> None:
    page = visit(service.address)
    with urllib.request.urlopen(page.get_by_text("JSON").evaluate("each => each.href")) as answer:
        assert json.load(answer) == json.loads(json.dumps(service.monitor.drift().as_dict()))


@pytest.mark.slow
def test_bars_are_as_high_as_the_counts_are_dense(visit: Visit, service: Service) -> None:
    page = visit(service.address)
    sides = {
        "trained": {each.name: each.counts for each in service.monitor.baseline.variables},
        "live": {variable.name: tally.cells for variable, tally in service.monitor.drift().counts},
    }
    for card in page.locator("article").all():
        name = card.locator("h2").inner_text()
        rows = [each.inner_text().split("\t") for each in card.locator("tbody tr").all()]
        scale = []
        for number, (side, counts) in enumerate(sides.items(), start=1):
            drawn = card.locator(f"rect.{side}").evaluate_all(
                "all => all.map(each => [each.width, each.height].map(all => all.baseVal.value))"
            )
            shown = card.locator("tbody tr").evaluate_all(
                f"all => all.map(each => +each.cells[{number}].textContent.replaceAll(',', ''))"
            )
            assert len(drawn) == len(rows)
            assert sorted(shown) == sorted(counts[name].tolist())
            numeric = card.locator("svg.numeric").count() == 1
            for (width, height), count in zip(drawn, shown, strict=True):
                area = height * (max(width, NARROWEST) if numeric else 1)
                if height > 5:  # coordinates have two digits
                    scale.append(area * sum(shown) / count)
        assert scale == pytest.approx([max(scale)] * len(scale), rel=0.01), name


@pytest.mark.parametrize("script", [True, False])
def test_search_and_filters_choose_cards(visit: Visit, address: str, script: bool) -> None:
    page = visit(address, java_script_enabled=script)

    def show(**chosen: str) -> list[str]:
        for name in ("role", "verdict"):
            page.locator(f"[name={name}]").select_option(chosen.get(name, ""))
        page.locator("[name=q]").fill(chosen.get("q", ""))
        if script:
            page.wait_for_url(f"{address}?{urlencode(chosen)}")
        else:
            page.get_by_role("button").click()
        return names(page)

    assert show(q="CARR") == ["carrier"]
    assert show(role="output") == ["score"]
    assert show(q="delay", verdict="drift") == ["delay"]
    assert show(q="nothing of this name") == []
    assert page.locator("main").inner_text() == "No variable fits what is asked for."


@pytest.mark.slow
def test_a_window_and_one_variable_have_links(visit: Visit, address: str) -> None:
    page = visit(f"{address}?window=1h")
    page.get_by_role("link", name="carrier").click()
    page.wait_for_url("**variable=feature%3Acarrier")
    assert (names(page), page.locator("[name=window]").input_value()) == (["carrier"], "1h")


@pytest.mark.slow
def test_a_refresh_shows_new_numbers_and_moves_nothing(visit: Visit) -> None:
    with served("flask") as service:
        page = visit(service.address, clock=True, viewport=PHONE)
        card = page.locator("article", has_text="carrier")
        card.locator("summary").click()
        page.evaluate("scrollTo(0, 500)")
        before = page.evaluate("scrollY")
        row = table(1, 5, drifted=True)
        service.monitor.log_prediction([column[0] for column in row.values()], 1.0)
        with page.expect_response(service.address):
            page.clock.run_for(REFRESH_SECONDS * 1000)
        page.get_by_text("601").first.wait_for()
        assert page.evaluate("scrollY") == before
        assert card.locator("details").get_attribute("open") == ""
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert page.evaluate("document.activeElement.closest('article').id") == "feature:carrier"


@pytest.mark.slow
def test_everything_is_reached_by_keyboard_in_the_order_of_the_page(
    visit: Visit, address: str
) -> None:
    page = visit(address)
    reached = []
    for _ in range(5 + 2 * 6 + 1):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName"))
    controls = ["SELECT", "INPUT", "SELECT", "SELECT", "BUTTON"]
    assert reached == [*controls, *["A", "SUMMARY"] * 6, "A"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_out(
    visit: Visit, address: str, axe: Any, scheme: str
) -> None:
    page = visit(address, color_scheme=scheme)
    page.locator("summary").first.click()
    assert axe(page) == {}


@pytest.fixture(scope="module")
def large() -> Iterator[str]:
    """The page of 1,000 variables."""
    with served("flask", variables=999) as service:
        yield service.address


@pytest.mark.slow
def test_a_thousand_variables_are_searched_and_shown_in_under_a_megabyte(
    visit: Visit, screenshot: Any, large: str
) -> None:
    with urllib.request.urlopen(large) as answer:
        assert len(answer.read()) < 1_000_000
    page = visit(large, viewport=SCREEN)
    paint = page.evaluate("performance.getEntriesByType('paint').map(each => each.startTime)")
    print(f"1,000 variables: first paint after {paint} ms")  # noqa: T201 - shown by pytest -s
    screenshot(page, "page-1000")
    assert len(names(page)) == 50
    page.get_by_role("link", name="Show more: 50 of 1000 variables are here").click()
    page.wait_for_url("**limit=100")
    assert len(names(page)) == 100
    page.locator("[name=q]").fill("column_0700")
    page.wait_for_url("**q=column_0700*")
    assert names(page) == ["column_0700"]
