"""The database of a worker group, in processes that fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FORKS = 100
PROGRAM = f"""
import os, signal, sys, threading
from pathlib import Path
from boxkite.live.outcomes.outcome_database import FileDatabase, MemoryDatabase

def write(database):
    with database.transaction() as connection:
        rows = [(number, b"entity", b"outputs", b"", None, None) for number in range(2000)]
        connection.executemany("INSERT OR REPLACE INTO prediction VALUES (?, ?, ?, ?, ?, ?)", rows)

def write_again_and_again(number):
    folder = Path(sys.argv[1], str(number))
    folder.mkdir()
    while True:
        write(FileDatabase(folder))
        write(MemoryDatabase())

for number in range(2):
    threading.Thread(target=write_again_and_again, args=(number,), daemon=True).start()
for _ in range({FORKS}):
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # ends a child that waits for a lock forever
        write(MemoryDatabase())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_process_forked_during_a_transaction_can_use_a_database(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout.split() == ["0"] * FORKS
