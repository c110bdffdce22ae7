"""A real Prometheus scrapes two monitors over HTTP, and its rules say what Python says."""

import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Comparison, Monitor
from boxkite.prometheus.rules import RuleOptions, render_rules
from boxkite.settings import Settings
from tests.programs import free_port, running
from tests.real.conftest import answering

HOSTILE = 'it\'s "naïve"\n\\ 😀'
DEADLINE_SECONDS = 60


def table(seed: int, rows: int, shift: float = 0.0) -> dict[str, list[Any]]:
    random = np.random.default_rng(seed)
    return {
        "plain": random.normal(shift, 1, rows).tolist(),
        "large": (random.lognormal(14, 1 + shift, rows)).tolist(),
        HOSTILE: random.choice(["Oslo", "Rome", HOSTILE], rows).tolist(),
    }


def new_monitor(baseline: Baseline) -> Monitor:
    return Monitor(baseline, settings=Settings(), registry=None)


def served(monitor: Monitor) -> AbstractContextManager[str]:
    """Serve a monitor's metrics on a free port; give its address."""

    class View(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {"accept": "Accept", "accept_encoding": "Accept-Encoding"}
            scrape = monitor.export(**{key: self.headers[name] for key, name in headers.items()})
            self.send_response(200)
            for name, value in scrape.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(scrape.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return answering(View)


@contextmanager
def scraping(prometheus: str, folder: Path, targets: list[str]) -> Iterator[str]:
    """Run Prometheus with the rules of a minute; give the address of its API."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "rules.yaml").write_text(
        render_rules(
            windows=["1m"], critical_windows={"1m": "1h"}, options=RuleOptions(interval="1s")
        )
    )
    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "model", "static_configs": [{"targets": targets}]}],
    }
    (folder / "prometheus.yaml").write_text(json.dumps(configuration))
    command = [
        prometheus,
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with running(command, folder / "prometheus.log"):
        yield f"http://{address}/api/v1/query"


def query(api: str, expression: str) -> dict[tuple[str, str], float]:
    """Return an instant vector by role and variable; nothing while Prometheus starts."""
    parameters = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{api}?{parameters}", timeout=10) as response:
            result = json.load(response)["data"]["result"]
    except (urllib.error.URLError, ConnectionError):
        return {}
    return {
        (each["metric"].get("variable_role", ""), each["metric"].get("variable", "")): float(
            each["value"][1]
        )
        for each in result
    }


def wait_for(api: str, expression: str, expected: dict[tuple[str, str], float]) -> None:
    """Wait until Prometheus gives the numbers, to 1e-9."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := query(api, expression)) != pytest.approx(expected, rel=0, abs=1e-9):
        assert time.monotonic() < deadline, f"{expression}: {found}, not {expected}"
        time.sleep(0.2)


def python_says(drift: Comparison, name: str) -> dict[tuple[str, str], float]:
    numbers = {(each.role, each.name): float(getattr(each, name)) for each in drift}
    return {key: number for key, number in numbers.items() if not math.isnan(number)}


@pytest.mark.slow
def test_prometheus_records_pythons_numbers_for_what_it_scraped(
    prometheus: str, tmp_path: Path
) -> None:
    columns = table(seed=1, rows=3000)
    baseline = Baseline.fit(columns, {"score": columns["plain"]}, model="flights")
    first, second, reference = (new_monitor(baseline) for _ in range(3))
    with (
        served(first) as one,
        served(second) as other,
        scraping(prometheus, tmp_path, [one, other]) as api,
    ):
        wait_for(api, "sum(up)", {("", ""): 2.0})
        rows = zip(*table(seed=2, rows=900, shift=0.4).values(), strict=True)
        for number, row in enumerate(rows):
            for monitor in (reference, (first, second)[number % 3 == 0]):
                monitor.log_prediction(list(row), row[0])
        drift = reference.drift()
        for name in ("psi", "kl", "js", "ks", "critical", "ks_critical"):
            wait_for(api, f"variable:boxkite_drift:{name}", python_says(drift, name))
        for rate in ("missing", "unseen", "invalid"):
            for name in ("difference", "evidence"):
                expected = python_says(drift, f"{rate}_{name}")
                wait_for(api, f'variable:boxkite_rate:{name}{{rate="{rate}"}}', expected)
        verdicts = {(each.role, each.name): float(each.verdict == "drift") for each in drift}
        assert set(verdicts.values()) == {0.0, 1.0}
        wait_for(api, "variable:boxkite_drift:verdict", verdicts)
