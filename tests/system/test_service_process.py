"""Which process the workers of a service have in common."""

import os
import subprocess
import sys

import pytest

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read from /proc")

DROPPING = """
import os
from boxkite.system.service_process import service_process
for _ in range(2):
    if os.fork() == 0:
        os.setuid(65534)
        os.write(1, f"{service_process()}\\n".encode())
        os._exit(0)
    os.wait()
"""
ORPHANED = """
import os, time
from boxkite.system.service_process import service_process
parent = os.getpid()
if os.fork():
    os._exit(0)
os.setuid(65534)
while os.getppid() == parent:
    time.sleep(0.01)
os.write(1, f"{service_process()}\\n".encode())
"""
ADOPTING = """
import ctypes, os, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
print(os.getpid(), flush=True)
for _ in range(2):
    command = [sys.executable, "-W", "ignore", "-c", sys.argv[1]]
    sys.stdout.write(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)
"""
root_only = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change its user"
)


def names(program: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout.split()


@linux
@root_only
def test_forked_processes_that_changed_their_user_have_one_name_and_another_start_has_its_own() -> (
    None
):
    one, two = names(DROPPING), names(DROPPING)
    assert [len(one), len(set(one)), len(two), len(set(two))] == [2, 1, 2, 1]
    assert one[0] != two[0]


@linux
@root_only
def test_orphans_of_two_services_adopted_by_one_process_have_names_of_their_own() -> None:
    adopter, *orphans = names(ADOPTING, ORPHANED)
    assert [name.partition("-")[0] for name in orphans] == [adopter] * 2
    assert orphans[0] != orphans[1]
