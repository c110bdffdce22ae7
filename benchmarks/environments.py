"""Virtual environments for what is measured beside ours, made on first use."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

__all__ = ["environment"]

_DONE = "installed"


def environment(folder: Path, name: str, *requirements: str) -> Path:
    """Return the interpreter of a virtual environment.

    Args:
        folder: where environments are kept.
        name: of this one.
        requirements: as pip takes them.

    Raises:
        subprocess.CalledProcessError: if they cannot be installed.
    """
    home = folder / name
    python = home / "bin" / "python"
    if not (home / _DONE).exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        (home / _DONE).touch()
    return python
