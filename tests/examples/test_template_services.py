"""The services that `boxkite init` writes start as their images and manifests say, and count."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from boxkite.cli.service_files import FRAMEWORKS, service_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has mount namespaces"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace"),
]

PATIENCE = 60.0
# The volume hides this folder within the mount namespace of a service only.
STATE = "/mnt"
TRIP = {"distance": 3.5, "items": 2, "vehicle": "bike"}


class Template:
    """A service as `boxkite init` writes it, trained, with its manifests."""

    def __init__(self, folder: Path, framework: str) -> None:
        self.folder = folder
        for path, text in service_files(framework, "delivery").items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, capture_output=True)
        self.dockerfile = (folder / "Dockerfile").read_text().replace("\\\n", "")
        deployment = self.manifest("deployment")
        self.pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
        self.user: int = self.pod["securityContext"]["runAsUser"]

    def manifest(self, name: str) -> Any:
        return yaml.safe_load((self.folder / f"kubernetes/{name}.yaml").read_text())

    def command(self, port: int) -> list[str]:
        """Return the command of the image, on a port of this machine."""
        (found,) = re.findall(r"^CMD (\[.*\])$", self.dockerfile, re.MULTILINE)
        words: list[str] = json.loads(found)
        changed = {"0.0.0.0:8000": f"127.0.0.1:{port}", "8000": str(port)}
        return [sys.executable, "-m", *(changed.get(each, each) for each in words)]

    def environment(self) -> dict[str, str]:
        """Return the variables that the image and the manifest set, with places of this machine."""
        (line,) = re.findall(r"^ENV (.*)$", self.dockerfile, re.MULTILINE)
        variables = dict(each.split("=") for each in line.split())
        (container,) = self.pod["containers"]
        variables |= {each["name"]: each.get("value", "pod-1") for each in container["env"]}
        places = {"/state": STATE, "/service": str(self.folder)}
        return {
            name: next((v.replace(a, b) for a, b in places.items() if v.startswith(a)), v)
            for name, v in variables.items()
        }


@contextlib.contextmanager
def deployed(template: Template, port: int) -> Iterator[httpx.Client]:
    """Start the image's command as the pod does: as its user, with nothing writable but a volume.

    The volume is like an `emptyDir` with `fsGroup`: root owns it, and the group may write to it.
    """
    user = template.user
    mounts = (
        "mount --make-rprivate / && mount -o remount,bind,ro /"
        f" && mount -t tmpfs -o mode=2777,gid={user} none {STATE}"
    )
    # The interpreter may be in the home of root, so the user may read everything, and no more.
    capability = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    become = f"setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs {capability}"
    launcher = ["unshare", "-m", "sh", "-c", f'{mounts} && exec {become} "$@"', "sh"]
    with (template.folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*launcher, *template.command(port)],
            cwd=template.folder,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **template.environment()},
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
                await_health(client, template, process)
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def await_health(
    client: httpx.Client, template: Template, process: subprocess.Popen[bytes]
) -> None:
    """Ask what the startup probe asks, until it succeeds."""
    path = template.pod["containers"][0]["startupProbe"]["httpGet"]["path"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            assert client.get(path).status_code == 200
            return
        assert process.poll() is None, (template.folder / "output").read_text()
        time.sleep(0.1)
    pytest.fail("the service did not start")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_service_counts_on_a_read_only_system(
    framework: str, tmp_path: Path, free_tcp_port: int
) -> None:
    template = Template(tmp_path, framework)
    (endpoint,) = template.manifest("service-monitor")["spec"]["endpoints"]
    with deployed(template, free_tcp_port) as client:
        answers = [client.post("/predict", json=TRIP) for _ in range(20)]
        metrics = client.get(endpoint["path"]).text
    assert [answer.status_code for answer in answers] == [200] * 20
    # 5 minutes, a minute for each item and 4 for each kilometre by bike, as train.py draws them.
    assert answers[0].json()["minutes"] == pytest.approx(21, abs=0.5)
    counts = [line.rpartition(" ") for line in metrics.splitlines() if line.startswith("boxkite")]
    predictions = [each for each in counts if each[0].startswith("boxkite_predictions_total{")]
    assert [(value, 'model_name="delivery"' in name) for name, _, value in predictions] == [
        ("20", True)
    ]
    errors = [each for each in counts if each[0].startswith("boxkite_errors_total")]
    assert {value for *_, value in errors} <= {"0"}
    output = (tmp_path / "output").read_text()
    assert "Traceback" not in output
    assert f"state in {STATE}\n" in output  # the line at the start names the state's place
    assert "Cannot keep" not in output
