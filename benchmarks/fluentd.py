"""What arrives at a receiver of the forward protocol that fails, from ours and from fluent-logger.

The receiver and each sender are processes of their own; fluent-logger has a virtual environment,
made on first use. A figure is of one run:

    python benchmarks/fluentd.py --folder /tmp/fluentd-benchmark
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

BODY = "x" * 1000
PATIENCE = 15.0  # seconds after which a sender that does not close is killed
FLUENT_LOGGER = "fluent-logger"


class Scenario(NamedTuple):
    """What happens to a sender.

    Attributes:
        title: in the table.
        records: that it is given.
        rate: a second; 0 for as fast as it takes them.
        receives: what the receiver does, see `treat`; empty if there is none at first.
        late: seconds after which a receiver that works takes the place of the first one, which is
            killed.
        killed: seconds after which the sender is killed.
    """

    title: str
    records: int
    rate: int
    receives: str
    late: float = 0.0
    killed: float = 0.0


SCENARIOS = {
    "works": Scenario("takes a burst of 5,000", 5000, 0, "all"),
    "slow": Scenario("reads 0.6 MB a second, burst of 5,000", 5000, 0, "slowly"),
    "refused": Scenario("refuses for 3 s of 8, 400 a second", 3200, 400, "", late=3),
    "stalled": Scenario("reads nothing for 3 s and is killed", 3200, 400, "nothing", late=3),
    "reset": Scenario("resets each tenth message, 400 a second", 3200, 400, "resetting"),
    "restarted": Scenario("is killed after 4 s of 8 and restarted", 3200, 400, "all", late=4),
    "silent": Scenario("takes connections and never reads", 3200, 400, "nothing"),
    "sender": Scenario("refuses until the sender is killed", 3200, 400, "", killed=4),
}


def receive(port: int, path: Path, receives: str) -> None:
    """Append the number of each record that arrives to a file, and then acknowledge it."""
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        held = []
        while True:
            connection, _ = server.accept()
            held.append(connection)
            if receives != "nothing":
                arguments = (connection, output, receives)
                threading.Thread(target=treat, args=arguments, daemon=True).start()


def treat(connection: socket.socket, output: int, receives: str) -> None:
    """Take the messages of one connection."""
    import msgpack

    unpacker = msgpack.Unpacker(max_buffer_size=2**26)
    messages = 0
    while part := connection.recv(65536):
        if receives == "slowly":
            time.sleep(0.1)
        unpacker.feed(part)
        for message in unpacker:
            messages += 1
            if receives == "resetting" and messages == 10:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                return
            numbers = "".join(f"{number}\n" for number in numbers_of(message))
            os.write(output, numbers.encode())
            if len(message) > 2 and isinstance(message[-1], dict) and "chunk" in message[-1]:
                connection.sendall(msgpack.packb({"ack": message[-1]["chunk"]}))


def numbers_of(message: list[Any]) -> Iterator[int]:
    """Return the numbers of a message's records; they are the first feature."""
    import msgpack

    records = [message[2]]
    if isinstance(message[1], bytes):
        unpacker = msgpack.Unpacker(max_buffer_size=2**26)
        unpacker.feed(message[1])
        records = [record for _, record in unpacker]
    for record in records:
        yield int(record["features"][0])


class Sender(NamedTuple):
    """How records are sent: one, and what must be done at the end."""

    send: Callable[[int], object]
    close: Callable[[], object]


def monitor(port: int, folder: Path) -> Sender:
    """Ours: a monitor, which ships from its journal."""
    from boxkite import Monitor, Settings
    from boxkite.baseline.loading import EMPTY

    settings = Settings(
        log=f"fluentd://127.0.0.1:{port}",
        log_request_body=True,
        log_unknown=True,  # without a baseline, every feature is unknown
        state_dir=str(folder / "state"),
    )
    log = Monitor(EMPTY, settings=settings, registry=None)
    log.export()  # as a scrape does; what another run has left is shipped from here on
    return Sender(lambda number: log.log_prediction([number], 0.5, BODY), log.close)


def exporter(port: int, folder: Path) -> Sender:
    """Ours: `FluentdExporter.emit`, which keeps records in memory."""
    from boxkite.classic.fluentd_sender import FluentdSender
    from boxkite.logs.forward import event

    del folder
    sender = FluentdSender("benchmark", "127.0.0.1", port)
    return Sender(lambda number: sender.append(event(time.time_ns(), record(number))), sender.close)


def asynchronous(port: int, folder: Path) -> Sender:
    """fluent-logger as boxkite 0.0.5 used it."""
    from fluent.asyncsender import FluentSender

    del folder
    sender = FluentSender("benchmark", host="127.0.0.1", port=port, queue_circular=True)
    return Sender(lambda number: sender.emit(None, record(number)), sender.close)


def synchronous(port: int, folder: Path) -> Sender:
    """fluent-logger in the calling thread."""
    from fluent.sender import FluentSender

    del folder
    sender = FluentSender("benchmark", host="127.0.0.1", port=port)
    return Sender(lambda number: sender.emit(None, record(number)), sender.close)


def record(number: int) -> dict[str, Any]:
    """Return a record of about a kilobyte."""
    return {"features": [number], "output": 0.5, "request_body": BODY}


SUBJECTS: dict[str, tuple[str, Callable[[int, Path], Sender]]] = {
    "monitor": ("ours, journal", monitor),
    "exporter": ("ours, memory", exporter),
    "asynchronous": ("fluent-logger, asynchronous", asynchronous),
    "synchronous": ("fluent-logger", synchronous),
}


def send(subject: str, scenario: Scenario, port: int, folder: Path, records: int) -> None:
    """Send records at the scenario's rate, and print what the calls took."""
    send_one, close = SUBJECTS[subject][1](port, folder)
    longest, given = 0.0, 0
    begin = time.perf_counter()
    for number in range(records):
        if scenario.rate:
            time.sleep(max(0.0, begin + number / scenario.rate - time.perf_counter()))
        before = time.perf_counter()
        send_one(number)
        longest = max(longest, time.perf_counter() - before)
        given = number + 1
        if number % 20 == 19 or given == records:
            print(json.dumps({"given": given, "longest": longest}), flush=True)
    if not records:
        time.sleep(8)  # for what is adopted
    before = time.perf_counter()
    close()
    print(json.dumps({"given": given, "longest": longest, "close": time.perf_counter() - before}))
    sys.stdout.flush()
    os._exit(0)  # close was all the time it had


class Run:
    """One sender against one receiver.

    Args:
        subject: key of `SUBJECTS`.
        scenario: what happens.
        folder: for the files of this run.
        pythons: interpreters of ours and of fluent-logger's.
    """

    def __init__(
        self, subject: str, scenario: Scenario, folder: Path, pythons: tuple[Path, Path]
    ) -> None:
        self.subject = subject
        self.scenario = scenario
        self.folder = folder
        self.pythons = pythons
        self.received = folder / "received"
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]

    def _start(self, role: str, *arguments: object) -> subprocess.Popen[str]:
        ours = role == "send" and self.subject in ("monitor", "exporter")
        key = next(key for key, each in SCENARIOS.items() if each is self.scenario)
        command = [self.pythons[0 if ours else 1], __file__, "--role", role, "--scenario", key]
        command += ["--subject", self.subject, "--port", str(self.port), "--folder", self.folder]
        return subprocess.Popen(
            [*map(str, command), *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )

    def _receiver(self, receives: str) -> subprocess.Popen[str]:
        receiver = self._start("receive", "--receives", receives)
        assert receiver.stdout is not None
        receiver.stdout.readline()
        return receiver

    def measure(self) -> dict[str, float]:
        """Return how many records were given, arrived, were lost and came twice, and the times."""
        receivers = [self._receiver(self.scenario.receives)] if self.scenario.receives else []
        sender = self._start("send", "--records", self.scenario.records)
        try:
            if self.scenario.late:
                time.sleep(self.scenario.late)
                for each in receivers:
                    each.kill()
                    each.wait()
                time.sleep(1.0 if receivers else 0.0)
                receivers.append(self._receiver("all"))
            if self.scenario.killed:
                time.sleep(self.scenario.killed)
                sender.send_signal(signal.SIGKILL)
            said = self._finish(sender)
            self._settle()
        finally:
            for each in [*receivers, sender]:
                each.kill()
                each.communicate()
        counts = self._counts(int(said["given"]))
        if counts["lost"] and self.subject == "monitor":
            counts = self._next_start(int(said["given"])) | {"later": counts["lost"]}
        return said | counts

    def _settle(self) -> None:
        """Wait until the receiver has read what it was sent, as far as it reads."""
        size = -1
        while size < (size := self.received.stat().st_size if self.received.exists() else 0):
            time.sleep(1.5)

    def _next_start(self, given: int) -> dict[str, float]:
        """Return the counts after another sender, beside a receiver that works."""
        receiver = self._receiver("all")
        try:
            self._finish(self._start("send", "--records", 0))
        finally:
            receiver.kill()
            receiver.communicate()
        return self._counts(given)

    def _finish(self, sender: subprocess.Popen[str]) -> dict[str, float]:
        """Wait for a sender, and return the last that it said."""
        rate = self.scenario.rate or 1000
        try:
            output, _ = sender.communicate(timeout=self.scenario.records / rate + PATIENCE)
        except subprocess.TimeoutExpired:
            sender.kill()
            output, _ = sender.communicate()
        if sender.returncode > 0:  # it is negative if the sender was killed
            raise subprocess.CalledProcessError(sender.returncode, sender.args)
        lines = output.splitlines()
        said: dict[str, float] = json.loads(lines[-1]) if lines else {"given": 0, "longest": 0}
        return said

    def _counts(self, given: int) -> dict[str, float]:
        numbers = self.received.read_text().split() if self.received.exists() else []
        found = Counter(map(int, numbers))
        delivered = sum(number < given for number in found)
        return {
            "delivered": delivered,
            "lost": given - delivered,
            "twice": sum(found.values()) - len(found),
        }


def cell(result: dict[str, float]) -> str:
    """Return one cell of the table."""
    closed = f"{result['close']:.1f} s" if "close" in result else "not closed"
    later = f", {result['later']:,.0f} at the next start" if "later" in result else ""
    twice = f", {result['twice']:,.0f} twice" if result["twice"] else ""
    longest = result["longest"] * 1000
    lost = f"**{result['lost']:,.0f}**" if result["lost"] else "0"
    return f"{lost} of {result['given']:,.0f}{later}{twice}; {longest:,.0f} ms; {closed}"


def interpreter(folder: Path) -> Path:
    """Return the interpreter of an environment that has fluent-logger."""
    python = folder / FLUENT_LOGGER / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", FLUENT_LOGGER], check=True)
    return python


def compare(folder: Path, scenarios: list[str]) -> None:
    """Print the table: what was lost, the longest call, and the time to close."""
    pythons = (Path(sys.executable), interpreter(folder))
    titles = [title for title, _ in SUBJECTS.values()]
    print(f"| the receiver | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}", flush=True)
    for key in scenarios:
        cells = []
        for subject in SUBJECTS:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                run = Run(subject, SCENARIOS[key], Path(own), pythons)
                cells.append(cell(run.measure()))
        print(f"| {SCENARIOS[key].title} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Compare, or take the part in it that a parent process asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="keeps the environment; default: a new one")
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--role", choices=["send", "receive"], help=argparse.SUPPRESS)
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--records", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--receives", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "receive":
        receive(given.port, given.folder / "received", given.receives)
    elif given.role == "send":
        scenario = SCENARIOS[given.scenario[0]]
        send(given.subject, scenario, given.port, given.folder, given.records)
    else:
        with tempfile.TemporaryDirectory() as own:
            folder = given.folder or Path(own)
            folder.mkdir(parents=True, exist_ok=True)
            compare(folder, given.scenario)


if __name__ == "__main__":
    main()
