"""Train the model, and write it with its baseline: python train.py"""

from pathlib import Path

import numpy as np
from model import Model

from boxkite import Baseline


def load_trips() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return trips and their minutes. They are random here; load your training data instead."""
    random = np.random.default_rng(2013)
    trips = {
        "distance": random.gamma(2.0, 2.0, 5000),
        "items": random.integers(1, 10, 5000),
        "vehicle": random.choice(["bike", "car"], 5000),
    }
    minutes_per_km = np.where(trips["vehicle"] == "bike", 4.0, 2.4)
    noise = random.normal(0, 3, 5000)
    return trips, 5 + trips["items"] + minutes_per_km * trips["distance"] + noise


def main() -> None:
    """Write model.json and histogram.prom."""
    trips, minutes = load_trips()
    model = Model.fit(trips, minutes)
    model.write(Path("model.json"))
    # If your rows have times, pass them as `time=`. Mornings and weekends are then not drift.
    baseline = Baseline.fit(trips, {"minutes": model.predict(trips)}, model="delivery")
    baseline.write("histogram.prom")
    print(f"wrote model.json and histogram.prom: {baseline.rows:,} rows, {baseline.version}")


if __name__ == "__main__":
    main()
