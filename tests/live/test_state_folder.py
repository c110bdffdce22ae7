"""Which folder is whose: one for all workers of a service, and none that two services share."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import ErrorReporter, LastingError
from boxkite.live import temporary_folder
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker import Worker
from boxkite.live.worker_group import WorkerGroup
from boxkite.system.service_process import service_process

BASELINE = Baseline.fit({"a": np.arange(8.0)}, model="flights", bins=2)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read from /proc")


def test_with_a_setting_the_folder_is_below_it_and_named_by_the_baseline(tmp_path: Path) -> None:
    folder = StateFolder(str(tmp_path)).group_folder(BASELINE)
    assert folder.parent == tmp_path
    assert folder.name.startswith("flights-")
    assert StateFolder(str(tmp_path)).group_folder(BASELINE) == folder


def test_baselines_that_differ_in_anything_count_in_folders_of_their_own(tmp_path: Path) -> None:
    baselines = [
        BASELINE,
        BASELINE.relabelled(model="trains"),
        BASELINE.relabelled(version="2"),
        Baseline.fit({"a": np.arange(9.0)}, model="flights", bins=2),
    ]
    folders = {StateFolder(str(tmp_path)).group_folder(each) for each in baselines}
    assert len(folders) == 4


@pytest.mark.parametrize(
    "model", ["../../etc", "/etc/passwd", "a/b", "..", "x" * 500, "naïve modèle 🛩", "", "a\nb"]
)
def test_no_model_s_name_leads_out_of_the_folder(model: str, tmp_path: Path) -> None:
    folder = StateFolder(str(tmp_path)).group_folder(BASELINE.relabelled(model=model))
    assert folder.resolve().parent == tmp_path.resolve()
    folder.mkdir()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the folders of runs in one of this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / f"boxkite-{os.getuid()}"
    folder.mkdir(mode=0o700)
    return folder


def test_without_a_setting_each_monitor_of_a_process_has_a_folder_of_its_own(
    temporary: Path,
) -> None:
    one, two = StateFolder(None), StateFolder(None)
    assert one.group_folder(BASELINE) == one.group_folder(BASELINE)
    assert one.group_folder(BASELINE) != two.group_folder(BASELINE)
    assert one.group_folder(BASELINE).parents[1] == temporary


def test_without_a_setting_the_folder_follows_tmpdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert StateFolder(None).log_folder() == tmp_path / f"boxkite-{os.getuid()}" / "log"


def test_without_tmpdir_it_is_below_var_tmp_which_outlives_a_reboot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TMPDIR")
    assert temporary_folder._temporary_bases() == [Path("/var/tmp"), Path("/tmp")]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two places for temporary folders: TMPDIR and one that every system has."""
    found = [tmp_path / "first", tmp_path / "second"]
    for place in found:
        place.mkdir()
    monkeypatch.setenv("TMPDIR", str(found[0]))
    monkeypatch.setattr(temporary_folder, "_PLACES", [str(found[1])])
    return found


def spoil(place: Path, how: str) -> str:
    """Make a temporary folder unusable. Return a part of the reason."""
    root = place / f"boxkite-{os.getuid()}"
    if how == "missing":
        place.rmdir()
        return "is not writable"
    if how == "file":
        root.touch()
        return "is not a folder"
    if how == "link":
        (place / "elsewhere").mkdir()
        root.symlink_to(place / "elsewhere")
        return "is a link"
    root.mkdir()
    if how == "foreign":
        os.chown(root, 65534, 65534)
        return "belongs to user 65534"
    root.chmod(int(how, 8))
    return f"other users can write to '{root}' (mode {how})"


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
spoilt = pytest.mark.parametrize(
    "how", ["missing", "file", "link", pytest.param("foreign", marks=root_only), "777", "720"]
)


@spoilt
def test_a_place_that_others_could_change_is_passed_over(how: str, places: list[Path]) -> None:
    spoil(places[0], how)
    group = StateFolder(None).open_group(BASELINE)
    assert group.parents[2] == places[1]
    assert group.parents[1].stat().st_mode & 0o777 == 0o700
    assert StateFolder(None).log_folder().parents[1] == places[1]


@spoilt
def test_without_any_place_the_error_says_why_and_what_to_set(how: str, places: list[Path]) -> None:
    reasons = [spoil(place, how) for place in places]
    folder = StateFolder(None)
    for use in (
        folder.open_log_folder,
        folder.log_folder,
        folder.open_rejected_file,
        lambda: folder.open_group(BASELINE),
        lambda: folder.group_folder(BASELINE),
    ):
        with pytest.raises(LastingError) as error:
            use()
        assert all(reason in str(error.value) for reason in reasons)
        assert "FLASK_BOXKITE_STATE_DIR" in str(error.value)
    assert folder.group_folders() == []


def test_naming_a_folder_creates_nothing(places: list[Path], tmp_path: Path) -> None:
    for folder in (StateFolder(None), StateFolder(str(tmp_path / "state"))):
        folder.group_folder(BASELINE)
        folder.log_folder()
        folder.group_folders()
    assert sorted(tmp_path.rglob("*")) == places


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_without_a_umask_nobody_else_can_write(tmp_path: Path, places: list[Path]) -> None:
    for folder in (StateFolder(str(tmp_path / "new" / "state")), StateFolder(None)):
        group = folder.open_group(BASELINE)
        folder.open_log_folder()
        WorkerGroup(group, BASELINE, ErrorReporter())
        Worker(group, BASELINE, 1000, 1 << 20)
    for path in tmp_path.rglob("*"):
        assert path in places or not path.stat().st_mode & 0o022, path


@pytest.mark.usefixtures("no_umask")
def test_a_given_folder_of_ours_is_closed_to_others(tmp_path: Path) -> None:
    given = tmp_path / "state"
    given.mkdir(mode=0o777)
    StateFolder(str(given)).open_group(BASELINE)
    assert given.stat().st_mode & 0o7777 == 0o755
    given.chmod(0o1777)
    StateFolder(str(given)).open_group(BASELINE)
    assert given.stat().st_mode & 0o7777 == 0o1777


def test_a_given_folder_may_be_a_link_of_ours(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "real")
    folder = StateFolder(str(tmp_path / "state"))
    assert folder.open_group(BASELINE).parent == tmp_path / "real"
    assert folder.group_folders() == [folder.group_folder(BASELINE)]


@root_only
@pytest.mark.parametrize("what", ["given", "link", "group"])
def test_a_folder_of_another_user_is_refused(what: str, tmp_path: Path) -> None:
    given = tmp_path / "state"
    folder = StateFolder(str(given))
    if what == "link":
        (tmp_path / "real").mkdir()
        given.symlink_to(tmp_path / "real")
    else:
        given.mkdir()
    spoiled = folder.group_folder(BASELINE) if what == "group" else given
    spoiled.mkdir(exist_ok=True)
    os.chown(spoiled, 65534, 65534, follow_symlinks=False)
    with pytest.raises(LastingError, match="belongs to user 65534"):
        folder.open_group(BASELINE)


@root_only
def test_a_log_folder_of_another_user_is_refused_and_the_counts_are_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    os.chown(log, 65534, 65534)
    log.chmod(0o2777)
    folder = StateFolder(str(tmp_path))
    folder.open_group(BASELINE)
    with pytest.raises(LastingError, match=r"Cannot write the log, because .* user 65534"):
        folder.open_log_folder()


def aged_run(temporary: Path, name: str, seconds: float = 1000.0) -> Worker:
    """Make the folder of a run some time ago, with one worker."""
    worker = Worker(temporary / name / "flights-1", BASELINE, 1000, 1 << 20)
    past = time.time() - seconds
    os.utime(temporary / name, (past, past))
    return worker


def test_folders_of_runs_that_ended_are_removed_and_no_others(temporary: Path) -> None:
    own = StateFolder(None)
    root = own.group_folder(BASELINE).parent
    root.mkdir()
    process = service_process()
    dead, living = aged_run(temporary, "1-2-0"), aged_run(temporary, "1-2-1")
    young, restarting = aged_run(temporary, "1-2-2", 1), aged_run(temporary, f"{process}-99")
    strange = aged_run(temporary, "strange")
    for worker in (dead, young, restarting, strange):
        worker.abandon()
    own.remove_stale_runs()
    kept = (living, young, strange)
    expected = {root.name, *(worker.folder.parents[1].name for worker in kept)}
    if sys.platform.startswith("linux"):
        expected.add(restarting.folder.parents[1].name)
    assert {path.name for path in temporary.iterdir()} == expected


def test_a_folder_that_was_set_is_never_swept(tmp_path: Path) -> None:
    worker = aged_run(tmp_path, "1-2-0")
    worker.abandon()
    StateFolder(str(tmp_path)).remove_stale_runs()
    assert worker.folder.is_dir()


def test_a_run_s_folder_goes_with_its_monitor(temporary: Path) -> None:
    own = StateFolder(None)
    own.group_folder(BASELINE).mkdir(parents=True)
    own.remove_stale_runs()
    assert len(list(temporary.iterdir())) == 1
    del own
    assert list(temporary.iterdir()) == []


PROGRAM = """
import os, sys
import numpy as np
from boxkite import Baseline
from boxkite.live.state_folder import StateFolder
baseline = Baseline.fit({"a": np.arange(8.0)}, bins=2)
sys.stdout.write(str(StateFolder(None).group_folder(baseline)) + "\\n")
"""


@linux
def test_two_services_started_from_one_script_have_a_folder_each(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(PROGRAM)
    script = 'for i in 1 2 3; do "$0" service.py & done; "$0" service.py; wait'
    result = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    folders = result.stdout.split()
    assert (len(folders), len(set(folders))) == (4, 4)


@linux
def test_forked_processes_of_forked_processes_have_their_parent_s_folder(tmp_path: Path) -> None:
    fork = "import os\nif os.fork() == 0:\n    os.fork()\n"
    waiting = "try:\n    os.wait()\nexcept ChildProcessError:\n    pass\n"
    (tmp_path / "service.py").write_text(fork + PROGRAM + "sys.stdout.flush()\n" + waiting)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "service.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    folders = result.stdout.split()
    assert (len(folders), len(set(folders))) == (3, 1)


def _send_folder(folder: StateFolder | None, connection: Any) -> None:
    connection.send((folder or StateFolder(None)).group_folder(BASELINE).parent.name)
    connection.close()


@linux
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_children_of_multiprocessing_have_their_parent_s_folder(method: str) -> None:
    own = StateFolder(None)
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_folder, args=(own, sender))  # type: ignore[attr-defined]
    process.start()
    try:
        assert receiver.poll(60)
        assert receiver.recv() == own.group_folder(BASELINE).parent.name
    finally:
        process.join(60)
        process.kill()
