"""What monitoring costs a whole request: decorated services beside bare ones, under load.

Each round starts a bare service and a monitored one, of the same environment, and lets them take
turns. Environments are made on first use; wrk makes the load (`apt-get install wrk`):

    python benchmarks/requests --folder /tmp/requests-benchmark
    python benchmarks/requests --folder /tmp/requests-benchmark --quick --only boxkite
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from load import Load, offer
from server import Server
from service import Service
from tables import Case, Turn, as_markdown

sys.path.append(str(Path(__file__).parents[1]))
from environments import environment
from receiver import receiver

FRAMEWORKS = ("flask", "starlette", "fastapi")
FEATURES = (10, 100)
NAMES = {
    **{(framework, "boxkite"): "boxkite" for framework in FRAMEWORKS},
    **{(framework, "predecessor"): "boxkite 0.0.5" for framework in FRAMEWORKS},
    ("flask", "exporter"): "prometheus-flask-exporter",
    ("starlette", "exporter"): "starlette-exporter",
    ("fastapi", "exporter"): "prometheus-fastapi-instrumentator",
}
SERVERS = ("flask", "gunicorn", "starlette", "fastapi", "uvicorn[standard]")
REPOSITORY = Path(__file__).parents[2]


def requirements(case: Case) -> list[str]:
    """Return what the environment of a case has, in pip's words."""
    if case.subject == "boxkite":
        return ["--editable", str(REPOSITORY), *SERVERS]
    if case.subject == "predecessor":
        return ["boxkite==0.0.5", "setuptools<70", *SERVERS]
    return [NAMES[case.framework, case.subject], *SERVERS]


class Measurement:
    """Measures cases, each in turns with the bare service.

    Args:
        folder: for environments and services.
        turns: of a round.
        seconds: of a turn.
        pinned: whether server and load are kept on processors of their own.
    """

    def __init__(self, folder: Path, turns: int, seconds: int, pinned: bool) -> None:
        self._folder = folder
        self._turns = turns
        self._seconds = seconds
        processors: list[int | None] = [*sorted(os.sched_getaffinity(0))] if pinned else [None]
        self._server, self._load = processors[0], processors[-1]
        self._receiver = receiver()

    def round(self, case: Case) -> Iterator[Turn]:
        """Start both services, and yield their turns."""
        name = NAMES[case.framework, case.subject]
        python = environment(self._folder, name, *requirements(case))
        servers = []
        try:
            for subject in ("bare", case.subject):
                folder = str(self._folder / f"service-{subject}")
                service = Service(case.framework, subject, case.features, folder)
                servers.append(Server(python, service, self._receiver, self._server))
                self._offer(servers[-1], 1)
            for turn in range(self._turns):
                # The other way round each second time, so that a machine that warms up or
                # throttles favours neither.
                order = servers if turn % 2 == 0 else servers[::-1]
                found = {server: self._measured(server) for server in order}
                (bare, _, before), (monitored, flush, after) = (found[each] for each in servers)
                yield Turn(bare, monitored, flush, before, after)
        finally:
            for server in servers:
                server.stop()

    def _offer(self, server: Server, seconds: int) -> Load:
        return offer(server.port, server.service.features, seconds, self._load)

    def _measured(self, server: Server) -> tuple[Load, float, float]:
        """Return the load, the seconds until all is logged, and processor us a request."""
        server.flush()
        begin = server.processor_seconds()
        load = self._offer(server, self._seconds)
        flush = server.flush()
        spent = server.processor_seconds() - begin
        return load, flush, spent / load.requests * 1e6


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where environments are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=5, help="of each round")
    parser.add_argument("--seconds", type=int, default=3, help="of a turn")
    parser.add_argument("--quick", action="store_true", help="one round of two turns")
    parser.add_argument("--unpinned", action="store_true", help="let the system place processes")
    parser.add_argument("--frameworks", nargs="*", choices=FRAMEWORKS, default=FRAMEWORKS)
    subjects = ("boxkite", "predecessor", "exporter")
    parser.add_argument("--only", nargs="*", choices=subjects, default=subjects)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: sudo apt-get install wrk")
    rounds, turns = (1, 2) if arguments.quick else (arguments.rounds, arguments.turns)
    cases = itertools.product(arguments.frameworks, FEATURES, arguments.only)
    found: dict[Case, list[Turn]] = {Case(*case): [] for case in cases}
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        measure = Measurement(folder, turns, arguments.seconds, not arguments.unpinned)
        for _, case in itertools.product(range(rounds), found):
            found[case] += measure.round(case)
    where = "any processor" if arguments.unpinned else "a processor each for server and load"
    sys.stdout.write(
        f"Medians of {rounds} rounds of {turns} turns of {arguments.seconds} s, {where} of "
        f"{len(os.sched_getaffinity(0))}, Python {sys.version.split()[0]}.\n\n"
        f"{as_markdown(found, NAMES)}\n"
    )


if __name__ == "__main__":
    main()
