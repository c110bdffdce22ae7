"""What type checkers say of user files: nothing of right ones, and each mistake of wrong ones."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SERVICES = sorted(FOLDER.glob("*_service.py"))
MISTAKES = FOLDER / "mistakes.py"

Found = set[tuple[str, int, str]]

# An unknown name or call has an unknown type, which is reported once more.
CONSEQUENCES = {
    "reportUnknownArgumentType",
    "reportUnknownMemberType",
    "reportUnknownVariableType",
    "reportUntypedFunctionDecorator",
    "untyped-decorator",
}


def pyright() -> Found:
    """Return file, line and rule of each problem that pyright finds in strict mode."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = run([*command, *map(str, [*SERVICES, MISTAKES, ROOT / "examples/quart_adapter.py"])])
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["rule"])
        for each in json.loads(done)["generalDiagnostics"]
    }


def mypy() -> Found:
    """Return file, line and code of each problem that `mypy --strict` finds."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--cache-dir=/dev/null"]
    lines = run([*command, *map(str, [*SERVICES, MISTAKES])])
    found = re.findall(r"^(?:.*/)?([\w.]+):(\d+): error: .*\[([\w-]+)\]$", lines, re.MULTILINE)
    return {(file, int(line), code) for file, line, code in found}


def run(command: list[str]) -> str:
    if importlib.util.find_spec(command[2]) is None:
        pytest.skip(f"{command[2]} is not installed: pip install --group check")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def expected(column: int) -> Found:
    """Return the problems that the comments in the file of mistakes name."""
    lines = enumerate(MISTAKES.read_text().splitlines(), start=1)
    comments = ((number, line.partition("# E: ")[2]) for number, line in lines)
    return {
        (MISTAKES.name, number, comment.split("|")[column].strip())
        for number, comment in comments
        if comment
    }


@pytest.mark.slow
@pytest.mark.parametrize(("check", "column"), [(pyright, 0), (mypy, 1)], ids=["pyright", "mypy"])
def test_mistakes_are_found_and_nothing_else(check: Callable[[], Found], column: int) -> None:
    assert len(SERVICES) == 3
    found = {each for each in check() if each[2] not in CONSEQUENCES or each[0] != MISTAKES.name}
    assert found == expected(column)
