"""Train a model of the delay at arrival, and write its baseline:

python train.py model.skops histogram.prom
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from flights import FEATURES, TARGET, load_flights
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from boxkite import Baseline


def january() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return January's flights in two random parts: four fifths for training, and the rest."""
    flights = load_flights(1)
    held_out = np.random.default_rng(2013).random(len(flights)) < 0.2
    return flights[~held_out], flights[held_out]


def fit(flights: pd.DataFrame) -> Pipeline:
    """Fit the model to the flights that arrived."""
    codes = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer(
        (codes, ["carrier", "origin", "dest"]), remainder=SimpleImputer()
    )
    arrived = flights.dropna(subset=[TARGET])
    return make_pipeline(columns, Ridge()).fit(arrived[FEATURES], arrived[TARGET])


def main(model_path: Path, baseline_path: Path) -> None:
    """Train the model, and write it with its baseline."""
    flights, _ = january()
    model = fit(flights)
    skops.io.dump(model, model_path)
    features = flights[FEATURES]
    baseline = Baseline.fit(
        features, {"arrival_delay": model.predict(features)}, model="flight-delay"
    )
    baseline.write(baseline_path)
    print(f"{baseline.rows:,} flights: {model_path}, {baseline_path}, version {baseline.version}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
