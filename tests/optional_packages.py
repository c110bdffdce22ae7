"""Packages that only some tests need, in the group `engines`."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

__all__ = ["require"]


def require(module: str) -> None:
    """Skip if a package is not installed, but fail in the main environment of CI."""
    if importlib.util.find_spec(module) is None:
        main = "CI" in os.environ and Path(sys.prefix).name == ".venv"
        (pytest.fail if main else pytest.skip)(f"needs {module}: make .venv/engines.installed")
