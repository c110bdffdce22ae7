"""A real Alertmanager, and a receiver that shows its notifications as a person would read them."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from demo.services import free_port, running, wait_for

__all__ = ["Alerting", "alerting_service", "message"]

_EXAMPLE = Path(__file__).parents[1] / "alerting" / "alertmanager.yml"


class Alerting:
    """An Alertmanager and the notifications that it sent.

    Args:
        address: Host and port of Alertmanager.
        notifications: The notifications, as its webhooks send them; it grows.
    """

    def __init__(self, address: str, notifications: list[dict[str, Any]]) -> None:
        self.address = address
        self._notifications = notifications

    def firing(self, seconds: float) -> dict[str, Any] | None:
        """Return the newest notification of firing alerts, or None if none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            firing = [each for each in self._notifications if each["status"] == "firing"]
            if firing:
                return firing[-1]
            time.sleep(0.5)
        return None


@contextlib.contextmanager
def alerting_service(folder: Path) -> Iterator[Alerting | None]:
    """Run Alertmanager as the example configures it; yields None if it is not installed."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        yield None
        return
    notifications: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            notifications.append(json.loads(content))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep the terminal for the demonstration."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = folder / "alertmanager.yml"
    # The example waits for two minutes, so that one notification tells of all features.
    text = _EXAMPLE.read_text().replace("127.0.0.1:9095", f"127.0.0.1:{server.server_port}")
    config.write_text(text.replace("group_wait: 2m", "group_wait: 10s"))
    data = folder / "alertmanager-data"
    shutil.rmtree(data, ignore_errors=True)
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={config}", f"--storage.path={data}",
               f"--web.listen-address={address}", "--cluster.listen-address="]  # fmt: skip
    try:
        with running("alertmanager", command, folder):
            wait_for(f"http://{address}/-/ready", folder / "alertmanager.log")
            yield Alerting(address, notifications)
    finally:
        server.shutdown()
        server.server_close()


def message(notification: dict[str, Any]) -> str:
    """Return a notification as a chat or mail shows it: a title, then the alerts."""
    alerts = [each for each in notification["alerts"] if each["status"] == "firing"]
    group = " ".join(notification["groupLabels"].values())
    lines = [f"[FIRING:{len(alerts)}] {group}"]
    for alert in sorted(alerts, key=lambda each: each["labels"]["severity"]):
        annotations = alert["annotations"]
        lines += [
            "",
            f"{alert['labels']['severity']}: {annotations['summary']}",
            annotations["description"],
        ]
    return "\n".join(lines)
