"""Which folder is whose: one for all workers of a service, and none that two services share."""

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.live import state_folder as state
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker import Worker
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
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setattr(state, "_temporary_root", lambda: folder)
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
    assert state._temporary_base() == Path("/var/tmp")


@pytest.mark.parametrize("mode", [0o777, 0o720], ids=["all", "group"])
def test_a_folder_that_others_can_write_is_refused(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = tmp_path / f"boxkite-{os.getuid()}"
    assert StateFolder(None).group_folder(BASELINE).parents[1] == root
    assert root.stat().st_mode & 0o777 == 0o700
    root.chmod(mode)
    with pytest.raises(PermissionError, match="Set STATE_DIR to a folder of your own"):
        StateFolder(None).group_folder(BASELINE)


def test_a_folder_of_another_user_or_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"boxkite-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="Set STATE_DIR to a folder of your own"):
        StateFolder(None).group_folder(BASELINE)


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
