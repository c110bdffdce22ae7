"""Evidently and NannyML at their defaults on the same windows, each in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from environments import environment

if TYPE_CHECKING:
    from real_tables import Alarms
    from sources import Table

__all__ = ["PACKAGES", "alarms_of"]

PACKAGES: dict[str, tuple[str, ...]] = {
    "evidently": ("evidently", "pandas<3"),  # 0.7.23 cannot be imported beside pandas 3
    "nannyml": ("nannyml", "statsmodels", "pandas<3"),  # 0.13.1 imports what it does not ask for
}
"""What each is installed from."""


def alarms_of(folder: Path, package: str, table: Table) -> Alarms:
    """Return what a package calls drift in each window of a table.

    Args:
        folder: Where environments are kept.
        package: One of `PACKAGES`.
        table: Table to judge.

    Returns:
        The alarms; empty if the package cannot be installed or fails. The reason goes to standard
        error.
    """
    variables = {**os.environ, "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    try:
        python = environment(folder, package, *PACKAGES[package])
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "table.csv"
            table.rows.assign(window=table.windows, trained=table.trained).to_csv(path, index=False)
            worker = str(Path(__file__).parent / "package_worker.py")
            command = [str(python), worker, package, str(path)]
            result = subprocess.run(
                command, capture_output=True, text=True, env=variables, check=True
            )
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{package}: {error}\n{(error.stderr or '')[-2000:]}\n")
        return {}
    found: dict[str, list[list[bool]]] = json.loads(result.stdout.splitlines()[-1])
    return {name: (inside, after) for name, (inside, after) in found.items()}
