"""Estimated against measured quality by week, beside NannyML's CBPE on the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from environments import environment
from late_flights import LateFlights

from boxkite.quality import estimate, measure

__all__ = ["print_estimates"]

STATISTICS = ["accuracy", "precision", "recall", "f1"]
# 0.13.1 imports statsmodels without asking for it.
PACKAGES = ("nannyml", "statsmodels", "pandas<3")


def print_estimates(flights: LateFlights, folder: Path) -> None:
    """Print the mean absolute error of both estimates over the weeks from April on."""
    measured, ours = _ours(flights)
    theirs = _cbpe(flights, folder)
    print(f"{len(measured)} weeks from April on. Mean absolute error of estimated quality\n")
    print("| statistic | measured, mean | boxkite | NannyML CBPE |")
    print("|---|---:|---:|---:|")
    for name in STATISTICS:
        errors = [(each[name] - measured[name]).abs().mean() for each in (ours, theirs)]
        mean = measured[name].mean()
        print(f"| {name} | {mean:.4f} | {errors[0]:.4f} | {errors[1]:.4f} |")
    print(flush=True)


def _ours(flights: LateFlights) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the measured and the estimated statistics by week."""
    baseline = flights.baseline(flights.held_out)
    assert baseline.outcomes is not None
    cells = baseline.outcome_cells([])
    measured: dict[str, dict[str, float]] = {}
    estimated: dict[str, dict[str, float]] = {}
    for week, rows in flights.later.groupby(flights.later["time"].dt.to_period("W")):
        found = cells.count([rows["score"]], rows["late"])
        counts = found.pairs[0].counts.sum(axis=1)
        measured[str(week)] = {each.name: each.value for each in measure(found)}
        estimated[str(week)] = {e.name: e.value for e in estimate(baseline.outcomes, counts)}
    return pd.DataFrame(measured).T, pd.DataFrame(estimated).T


def _cbpe(flights: LateFlights, folder: Path) -> pd.DataFrame:
    """Return NannyML's estimates by week; NaN if it cannot be installed or fails."""
    variables = {**os.environ, "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    columns = ["time", "score", "late"]
    try:
        python = environment(folder, "nannyml", *PACKAGES)
        with tempfile.TemporaryDirectory() as temporary:
            for name, rows in (("reference", flights.held_out), ("analysis", flights.later)):
                rows[columns].to_csv(Path(temporary) / f"{name}.csv", index=False)
            worker = str(Path(__file__).parent / "cbpe_worker.py")
            command = [str(python), worker, temporary]
            done = subprocess.run(
                command, capture_output=True, text=True, env=variables, check=True
            )
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"nannyml: {error}\n{(error.stderr or '')[-2000:]}\n")
        return pd.DataFrame({name: [np.nan] for name in STATISTICS})
    return pd.DataFrame(json.loads(done.stdout.splitlines()[-1])).T
