"""A real Prometheus and a real Alertmanager, configured as the example is, but in a hurry."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from boxkite import Monitor
from tests.programs import free_port, in_thread, running

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE_SECONDS = 150


def free_address() -> str:
    return f"127.0.0.1:{free_port()}"


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve HTTP on a free port; give the address."""
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        in_thread(server.serve_forever, server.shutdown),
    ):
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture
def served() -> Callable[[Monitor], AbstractContextManager[str]]:
    """Returns what serves a monitor's metrics for as long as its context lasts."""

    def serve(monitor: Monitor) -> AbstractContextManager[str]:
        class View(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, content_type = monitor.export_http()
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return answering(View)

    return serve


class Alerting:
    """Prometheus and Alertmanager, and what the receivers were told.

    Args:
        prometheus: address of its API.
        alertmanager: address of its API.
        told: the notifications, as Alertmanager's webhooks have them, by receiver.
    """

    def __init__(
        self, prometheus: str, alertmanager: str, told: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.prometheus = prometheus
        self.alertmanager = alertmanager
        self.told = told

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series; nothing while Prometheus cannot answer."""
        parameters = urllib.parse.urlencode({"query": expression})
        url = f"http://{self.prometheus}/api/v1/query?{parameters}"
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                found = json.load(response)["data"]["result"]
        except OSError:
            return []
        return [(each["metric"], float(each["value"][1])) for each in found]

    def wait(self, what: str, ready: Callable[[], Any]) -> Any:
        """Return what a function returns as soon as that is true."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (found := ready()):
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.2)
        return found

    def value(self, expression: str) -> float:
        """Return the value of the one series that there is, as soon as it is there."""
        ((_, value),) = self.wait(expression, lambda: self.query(expression))
        return float(value)

    def up(self, targets: int) -> None:
        self.wait("targets", lambda: [v for _, v in self.query("sum(up)")] == [targets])


@pytest.fixture
def alerting(
    prometheus: str, alertmanager: str, tmp_path: Path
) -> Callable[[Sequence[str], str], Any]:
    """Returns what runs both, over targets and with rules, for as long as its context lasts."""

    @contextmanager
    def run(targets: Sequence[str], rules: str, group_wait: str = "10s") -> Iterator[Alerting]:
        told: dict[str, list[dict[str, Any]]] = {}

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.setdefault(self.path.strip("/"), []).append(content)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with answering(Receiver) as receiver:
            manager, database = free_address(), free_address()
            (tmp_path / "boxkite.rules.yml").write_text(rules)
            configurations = {
                "alertmanager.yml": hurried_alertmanager(receiver, group_wait),
                "prometheus.yml": hurried_prometheus(targets, manager),
            }
            for name, content in configurations.items():
                (tmp_path / name).write_text(yaml.safe_dump(content))
            with (
                running(
                    [
                        alertmanager,
                        f"--config.file={tmp_path / 'alertmanager.yml'}",
                        f"--storage.path={tmp_path / 'alertmanager'}",
                        f"--web.listen-address={manager}",
                        "--cluster.listen-address=",
                    ],
                    tmp_path / "alertmanager.log",
                ),
                running(
                    [
                        prometheus,
                        f"--config.file={tmp_path / 'prometheus.yml'}",
                        f"--storage.tsdb.path={tmp_path / 'data'}",
                        f"--web.listen-address={database}",
                    ],
                    tmp_path / "prometheus.log",
                ),
            ):
                yield Alerting(database, manager, told)

    return run


@pytest.fixture
def pushed(
    prometheus: str, pushgateway: str, tmp_path: Path
) -> Callable[[str], AbstractContextManager[tuple[str, Alerting]]]:
    """Returns what runs a Pushgateway and a Prometheus with rules; gives the former's address."""

    @contextmanager
    def run(rules: str) -> Iterator[tuple[str, Alerting]]:
        gateway, database = free_address(), free_address()
        (tmp_path / "rules.yml").write_text(rules)
        target = {"static_configs": [{"targets": [gateway]}]}
        content = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "pushgateway", "honor_labels": True, **target}],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(content))
        flags = [
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={database}",
        ]
        listen = f"--web.listen-address={gateway}"
        with (
            # Debian's build keeps the metrics of an earlier run by default.
            running([pushgateway, listen, "--persistence.file="], tmp_path / "pushgateway.log"),
            running([prometheus, *flags], tmp_path / "prometheus.log"),
        ):
            system = Alerting(database, "", {})
            system.up(1)
            yield f"http://{gateway}", system

    return run


def hurried_prometheus(targets: Sequence[str], alertmanager: str) -> dict[str, Any]:
    """Return the example's configuration, with these targets and a scrape a second."""
    content: dict[str, Any] = yaml.safe_load((EXAMPLES / "alerting/prometheus.yml").read_text())
    content["global"]["scrape_interval"] = "1s"
    content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    content["scrape_configs"][0]["static_configs"][0]["targets"] = list(targets)
    return content


def hurried_alertmanager(receiver: str, group_wait: str) -> dict[str, Any]:
    """Return the example's configuration, that waits for seconds and tells this receiver."""
    text = (EXAMPLES / "alerting/alertmanager.yml").read_text()
    content: dict[str, Any] = yaml.safe_load(text.replace("127.0.0.1:9095", receiver))
    content["route"]["routes"][0]["group_wait"] = group_wait
    return content
