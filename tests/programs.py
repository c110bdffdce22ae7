"""Run a program, or a server in a thread, for as long as a test needs it."""

import contextlib
import random
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

# Seconds that a program may take to start on a busy machine.
_PATIENCE = 300.0

# The first port that Linux gives to clients, see ip(7).
_FIRST_OF_CLIENTS = 32_768


def free_port() -> int:
    """Return a port that nothing else takes until the server has started.

    The system gives ports from its own range to every connection of a client. On a busy machine,
    where a server takes seconds to start, another test's client would take such a port meanwhile.
    """
    for port in random.SystemRandom().sample(range(10_000, _FIRST_OF_CLIENTS), 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free.")


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the context ends.

    Args:
        command: the program and its arguments.
        log: file for its output.
        folder: its working directory; None for the test's own.
        environment: all of its environment variables; None for the test's own.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(120)


def until_answered(url: str, process: "subprocess.Popen[bytes]") -> bytes:
    """Return the first answer of a program. Ask until there is one, or the program ends."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
            content: bytes = answer.read()
            return content
        assert process.poll() is None, f"{process.args} ended"
        time.sleep(0.1)
    raise TimeoutError(url)


@contextlib.contextmanager
def in_thread(serve: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """Run a server in a thread until the context ends.

    Args:
        serve: runs the server.
        stop: lets `serve` return.
    """
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
