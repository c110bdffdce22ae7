"""The drift page in Chromium: looks, search, refresh, keyboard, and nothing it should not do."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.config import Settings
from boxkite.drift_page import drift_page

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


def new_monitor(variables: int = 5, model: str = "arrivals") -> Monitor:
    """Return a monitor of five features or more and an output, that has met 600 predictions."""
    trained, live = table(3000, variables, drifted=False), table(600, variables, drifted=True)
    baseline = Baseline.fit(trained, {"score": trained["distance"]}, model=model, version="7")
    monitor = Monitor(baseline, settings=Settings(), registry=None)
    columns = [np.asarray(column).tolist() for column in live.values()]
    for row in zip(*columns, strict=True):
        monitor.log_prediction(list(row), row[1])
    return monitor


@contextmanager
def served(*monitors: Monitor) -> Iterator[str]:
    """Serve the drift page of monitors; give its address."""

    class View(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            answer = drift_page(monitors, PATH, parts.path.removeprefix(PATH), query)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), View)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def monitor() -> Monitor:
    """A monitor of few variables, of which two have drifted."""
    return new_monitor()


@pytest.fixture(scope="module")
def address(monitor: Monitor) -> Iterator[str]:
    """The address of its drift page."""
    with served(monitor) as found:
        yield found


def names(page: Any) -> list[str]:
    """Return the names of the cards in their order."""
    found: list[str] = page.locator("article h2").all_inner_texts()
    return found


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


def test_the_json_is_what_the_monitor_says(visit: Visit, address: str, monitor: Monitor) -> None:
    page = visit(address)
    with urllib.request.urlopen(page.get_by_text("JSON").evaluate("each => each.href")) as answer:
        assert json.load(answer) == json.loads(json.dumps(monitor.drift().as_dict()))


def test_bars_are_as_high_as_the_counts_are_dense(
    visit: Visit, address: str, monitor: Monitor
) -> None:
    page = visit(address)
    sides = {
        "trained": {each.name: each.counts for each in monitor.baseline.variables},
        "live": {variable.name: tally.cells for variable, tally in monitor.drift().counts},
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


def test_a_window_and_one_variable_have_links(visit: Visit, address: str) -> None:
    page = visit(f"{address}?window=1h")
    page.get_by_role("link", name="carrier").click()
    page.wait_for_url("**variable=feature%3Acarrier")
    assert (names(page), page.locator("[name=window]").input_value()) == (["carrier"], "1h")


@pytest.mark.slow
def test_a_refresh_shows_new_numbers_and_moves_nothing(visit: Visit) -> None:
    monitor = new_monitor()
    with served(monitor) as address:
        page = visit(address, clock=True, viewport=PHONE)
        card = page.locator("article", has_text="carrier")
        card.locator("summary").click()
        page.evaluate("scrollTo(0, 500)")
        before = page.evaluate("scrollY")
        row = table(1, 5, drifted=True)
        monitor.log_prediction([column[0] for column in row.values()], 1.0)
        with page.expect_response(address):
            page.clock.run_for(REFRESH_SECONDS * 1000)
        page.get_by_text("601").first.wait_for()
        assert page.evaluate("scrollY") == before
        assert card.locator("details").get_attribute("open") == ""
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
        assert page.evaluate("document.activeElement.closest('article').id") == "feature:carrier"


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
    with served(new_monitor(variables=999)) as address:
        yield address


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
