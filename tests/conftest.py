"""Settings, programs and fixtures that all tests share."""

import fcntl
import gc
import os
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from boxkite import Baseline, signals
from boxkite.logs.log_record import LogRecord
from boxkite.prometheus import policy_series
from boxkite.testing import RecordingSink
from boxkite.web import source_reader

# Nothing is logged unless a test asks for it. Services that a test starts inherit this.
os.environ.update({"BOXKITE_LOG": "none:", "FLASK_BOXKITE_LOG": "none:"})


# Tests call fsync thousands of times, and each call waits for the disk. Memory does not wait.
# pytest's workers and the services that tests start inherit this.
MEMORY = Path("/dev/shm")
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(scope="session", autouse=True)
def _own_folder_for_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the state of services out of /var/tmp, where a later run would adopt it as orphaned."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield


# A busy machine may pause a process at any moment, so neither limit of time may apply: a callable
# would be reported as slow, and a scrape would leave critical values to the next scrape.
source_reader._SLOW_SECONDS = 60.0
policy_series._SECONDS_A_SCRAPE = 60.0

# `--hypothesis-profile=quick` chooses the other profile.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _patient, max_examples=20)
settings.register_profile("thorough", _patient, max_examples=60)
settings.load_profile("thorough")


def _installed(program: str, package: str = "prometheus") -> str:
    """Return the path of a program. If it is missing, skip the test, or fail in CI."""
    path = shutil.which(program)
    if path is None:
        _lacking(f"{program} is not installed; on Debian, run: apt-get install {package}")
    return path


@pytest.fixture(scope="session")
def npm_programs() -> Callable[..., Path]:
    """Return a function that installs npm packages, and returns their `node_modules` folder.

    All test processes, and later runs, share what was installed.
    """

    def install(*packages: str) -> Path:
        words = " ".join(packages)
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            _lacking(f"no npm or no node: the test needs Node.js and npm install {words}")
        folder = Path(__file__).parents[1] / ".npm" / words.replace("/", "-").replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "installed").exists():
                options = ["--prefix", str(folder), "--no-audit", "--no-fund"]
                command = [npm, "install", *options, *packages]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    _lacking(f"the test needs npm install {words}: {done.stderr[-300:]}")
                (folder / "installed").touch()
        return folder / "node_modules"

    return install


@pytest.fixture(scope="session")
def unshare() -> tuple[str, ...]:
    """Return the command that runs another one in a mount namespace of its own."""
    command = ("unshare", "--mount")
    try:
        subprocess.run(
            [*command, "mount", "-t", "tmpfs", "none", "/mnt"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount file systems, and not in every container")
    return command


def _lacking(missing: str) -> NoReturn:
    """Skip a test that lacks a program. In CI, where all tests must run, fail it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that need Prometheus run with other versions than the installed one."""
    parser.addoption(
        "--prometheus",
        default="",
        help="versions of Prometheus, with commas: 2.42,2.53,3.5. Get them with .ci/prometheus",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that needs Prometheus once for each version that was asked for."""
    versions = metafunc.config.getoption("--prometheus")
    if versions and "prometheus_version" in metafunc.fixturenames:
        metafunc.parametrize("prometheus_version", versions.split(","), scope="session")


@pytest.fixture(scope="session")
def prometheus_version() -> str:
    """The version of Prometheus to test with, or an empty text for the installed one."""
    return ""


def _of_version(program: str, version: str) -> str:
    if not version:
        return _installed(program)
    unpacked = Path(__file__).parents[1] / ".prometheus" / version / "usr/bin" / program
    if unpacked.exists():
        return str(unpacked)
    path = shutil.which(program)
    if path is not None:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        if f"version {version}." in said.stdout + said.stderr:
            return path
    missing = f"Prometheus {version} is not here: run .ci/prometheus {version}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def promtool(prometheus_version: str) -> str:
    """The path of promtool."""
    return _of_version("promtool", prometheus_version)


@pytest.fixture(scope="session")
def prometheus(prometheus_version: str) -> str:
    """The path of the Prometheus server."""
    return _of_version("prometheus", prometheus_version)


@pytest.fixture(scope="session")
def pushgateway() -> str:
    """The path of the Pushgateway."""
    return _installed("prometheus-pushgateway", "prometheus-pushgateway")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print a table of the results by test file and version of Prometheus."""
    versions = [each for each in config.getoption("--prometheus").split(",") if each]
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    outcomes = ("passed", "failed", "error", "skipped")
    for outcome in outcomes:
        for report in terminalreporter.stats.get(outcome, []):
            if outcome != "passed" or report.when == "call":
                path, _, name = report.nodeid.partition("::")
                ids = name.partition("[")[2].rstrip("]").split("-")
                for version in set(ids) & set(versions):
                    counts[path, version][outcome] += 1
    if not counts:
        return
    paths = sorted({path for path, _ in counts})
    width = max(map(len, paths))
    terminalreporter.write_sep("=", "tests by version of Prometheus")
    terminalreporter.write_line(
        " ".join([" " * width, *(f"{version:>24}" for version in versions)])
    )
    for path in paths:
        cells = [counts[path, version] for version in versions]
        texts = [", ".join(f"{cell[o]} {o}" for o in outcomes if cell[o]) or "-" for cell in cells]
        terminalreporter.write_line(" ".join([f"{path:{width}}", *(f"{t:>24}" for t in texts)]))


@pytest.fixture(scope="session")
def alertmanager() -> str:
    """Return the path of Alertmanager, which has this name in Debian, or skip the test."""
    return _installed("prometheus-alertmanager", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def amtool() -> str:
    """Return the path of amtool, or skip the test."""
    return _installed("amtool", "prometheus-alertmanager")


class Records(RecordingSink):
    """A sink that reads like a list. Reading first waits until every record is delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.monitors: list[Any] = []

    def remember(self, _: Any, *, monitor: Any, **__: Any) -> None:
        """Remember a monitor that the test makes."""
        self.monitors.append(monitor)

    def __iter__(self) -> Iterator[LogRecord]:
        assert all(monitor.flush() for monitor in self.monitors)
        return iter(self.records)

    def __len__(self) -> int:
        return len(list(self.__iter__()))

    def __getitem__(self, index: int) -> LogRecord:
        return list(self.__iter__())[index]


@pytest.fixture
def records() -> Iterator[Records]:
    """Give a sink that holds what the monitors of this test log."""
    kept = Records()
    with signals.baseline_loaded.connected_to(kept.remember):
        yield kept
    for monitor in kept.monitors:
        monitor.close()


@pytest.fixture(scope="session")
def score_baseline() -> Baseline:
    """An age and a colour as features, and a score between 0 and 1."""
    features = {"age": list(range(100)), "colour": ["red", "blue"] * 50}
    return Baseline.fit(
        features, {"score": [i / 100 for i in range(100)]}, model="score", version="1"
    )


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are processors, because many tests wait for a server."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) + 1
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all tests of a real Prometheus: two servers at once fall behind."""
    for item in items:
        if "prometheus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("prometheus"))


def pytest_collection_finish() -> None:
    """Exclude modules and tests from garbage collection, so that tests which collect stay fast."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a value by its type if its text differs between processes.

    An address or the order of a set does. pytest-xdist requires the same names in each worker.
    """
    try:
        changes = isinstance(val, set | frozenset) or " at 0x" in repr(val)
    except Exception:  # noqa: BLE001 - Some tests have values whose repr() raises.
        changes = True
    return type(val).__name__ if changes else None
