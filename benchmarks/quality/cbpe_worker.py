"""NannyML's CBPE by week, as JSON. Runs in NannyML's own environment:

python cbpe_worker.py FOLDER    # with reference.csv and analysis.csv
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
from nannyml import CBPE

STATISTICS = ["accuracy", "precision", "recall", "f1"]


def main(folder: Path) -> None:
    """Print the estimates by week."""
    reference, analysis = (
        pd.read_csv(folder / f"{name}.csv", parse_dates=["time"])
        for name in ("reference", "analysis")
    )
    for rows in (reference, analysis):
        rows["predicted"] = (rows["score"] > 0.5).astype(int)
    estimator = CBPE(
        problem_type="classification_binary",
        y_pred_proba="score",
        y_pred="predicted",
        y_true="late",
        timestamp_column_name="time",
        chunk_period="W",
        metrics=STATISTICS,
    )
    estimator.fit(reference)
    result = estimator.estimate(analysis.drop(columns="late")).filter(period="analysis").to_df()
    weeks = result[("chunk", "key")]
    found = {
        week: {name: float(row[(name, "value")]) for name in STATISTICS}
        for week, (_, row) in zip(weeks, result.iterrows(), strict=True)
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
