"""One detector on windows that others drew: run by the interpreter of the detector's environment.

python worker.py windows DETECTOR FOLDER     # scores and alarms of every file there, as JSON
python worker.py cost DETECTOR ROWS          # time and memory of one window of so many rows
python worker.py streams CLASS FILE KEY=VALUE …   # at which rows a detector of river alarms
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from detectors import DETECTORS

COST_REFERENCE = 100_000


def windows(name: str, folder: Path) -> dict[str, dict[str, object]]:
    """Return by file and drift the scores, the alarms and an error if there is one."""
    found: dict[str, dict[str, object]] = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            reference, categorical = data["reference"], bool(data["categorical"])
            for drift in data.files:
                if drift in ("reference", "categorical"):
                    continue
                try:
                    scores, alarms = DETECTORS[name](reference, data[drift], categorical)
                    result: dict[str, object] = {
                        "scores": [float(each) for each in scores],
                        "alarms": [bool(each) for each in alarms],
                    }
                except Exception as error:  # noqa: BLE001  (whatever it is, the table says so)
                    result = {"error": f"{type(error).__name__}: {error}"}
                found.setdefault(path.stem, {})[drift] = result
    return found


def cost(name: str, rows: int) -> dict[str, object]:
    """Return the processor time of a window, the median of three, and the memory that it takes.

    A call on two windows less a call on one: what fitting the reference takes is in neither.
    """
    random = np.random.default_rng(1)
    reference, live = random.normal(size=COST_REFERENCE), random.normal(size=(4, rows))
    detect = DETECTORS[name]
    detect(reference[:2_000], live[:1, :1_000], False)  # imports
    before = _peak()
    detect(reference, live[:1], False)
    fitted_and_one = _peak()
    seconds = sorted(
        _seconds(lambda: detect(reference, live, False))
        - _seconds(lambda: detect(reference, live[:1], False))
        for _ in range(3)
    )
    return {"milliseconds": 1e3 * seconds[1] / 3, "mebibytes": fitted_and_one - before}


def streams(name: str, path: Path, settings: list[str]) -> dict[str, list[list[int]]]:
    """Return at which rows, from 1, river's detector alarms, for each stream of each kind."""
    from river import drift

    options = {key: float(value) for key, value in (each.split("=") for each in settings)}
    if name == "KSWIN":
        options["seed"] = 1
    found: dict[str, list[list[int]]] = {}
    with np.load(path) as data:
        for kind in data.files:
            for rows in data[kind].tolist():
                detector = getattr(drift, name)(**options)
                alarms = []
                for place, value in enumerate(rows, 1):
                    detector.update(value)
                    if detector.drift_detected:
                        alarms.append(place)
                found.setdefault(kind, []).append(alarms)
    return found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    """Run, and write one line of JSON on what was standard output."""
    kind, name, argument, *settings = sys.argv[1:]
    warnings.simplefilter("ignore")
    with os.fdopen(os.dup(1), "w") as output, contextlib.redirect_stdout(sys.stderr):
        result: object
        if kind == "windows":
            result = windows(name, Path(argument))
        elif kind == "cost":
            result = cost(name, int(argument))
        else:
            result = streams(name, Path(argument), settings)
        output.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
