"""Judges the windows of a table with Evidently or NannyML, run by the interpreter that has it.

python package_worker.py evidently|nannyml TABLE.csv

The table has the features and two more columns: `window`, the number of the row's window, and
`trained`, whether it lies inside training. The last line of the output is JSON: for each feature,
whether each window inside training, and each one after it, is called drift.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import pandas as pd


def evidently(trained: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """Run the test that Evidently's reports choose for each column, at its threshold."""
    from evidently.legacy.calculations.stattests import get_stattest

    found = {}
    for name in trained:
        kind = "cat" if trained[name].dtype == object else "num"
        reference = trained[name].dropna()
        test = get_stattest(reference, windows[0][name].dropna(), kind, None)
        found[str(name)] = [
            bool(len(live) and test(reference, live, kind, None).drifted)
            for live in (window[name].dropna() for window in windows)
        ]
    return found


def nannyml(trained: pd.DataFrame, windows: list[pd.DataFrame]) -> dict[str, list[bool]]:
    """Run NannyML's calculator: Jensen-Shannon, limits of three standard deviations of training.

    Its chunks are the windows. It derives them from a column with times, so each window gets a day.
    """
    from nannyml import UnivariateDriftCalculator

    def timed(parts: list[pd.DataFrame], first: int) -> pd.DataFrame:
        start = pd.Timestamp("2000-01-01")
        days = [start + pd.Timedelta(days=first + i) for i in range(len(parts))]
        return pd.concat(
            [part.assign(time_of_row=day) for part, day in zip(parts, days, strict=True)]
        ).reset_index(drop=True)

    names = [str(each) for each in trained]
    number = int(trained.attrs["windows"])
    calculator = UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=[each for each in names if trained[each].dtype == object],
        timestamp_column_name="time_of_row",
        chunk_period="D",
    )
    calculator.fit(timed(windows[:number], 0))
    result = calculator.calculate(timed(windows[number:], number))
    frame = result.to_df()
    return {
        each: frame[each]["jensen_shannon"]["alert"].fillna(False).astype(bool).tolist()
        for each in names
    }


def main() -> None:
    """Read the table, judge its windows and print the alarms."""
    warnings.simplefilter("ignore")
    judge: Any = {"evidently": evidently, "nannyml": nannyml}[sys.argv[1]]
    table = pd.read_csv(sys.argv[2])
    features = table.drop(columns=["window", "trained"])
    trained = features[table.trained]
    number = int(table.window[table.trained].nunique())
    trained.attrs["windows"] = number
    windows = [part for _, part in features.groupby(table.window)]
    found = judge(trained, windows)
    print(json.dumps({name: [each[:number], each[number:]] for name, each in found.items()}))


if __name__ == "__main__":
    main()
