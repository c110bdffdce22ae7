"""A Flask application with a monitor, whose predictions are also kept in a list."""

from typing import Any

import pytest
from flask import Flask

import boxkite
import boxkite_flask


@pytest.fixture(scope="session")
def score_baseline() -> boxkite.Baseline:
    """An age and a colour as features, and a score between 0 and 1."""
    features = {"age": list(range(100)), "colour": ["red", "blue"] * 50}
    return boxkite.Baseline.fit(
        features, {"score": [i / 100 for i in range(100)]}, model="score", version="1"
    )


@pytest.fixture
def app() -> Flask:
    """An application without views."""
    return Flask("service")


@pytest.fixture
def monitor(app: Flask, score_baseline: boxkite.Baseline, records: Any) -> boxkite_flask.Boxkite:
    """The application's extension."""
    return boxkite_flask.Boxkite(app, baseline=score_baseline, log=records, registry=None)
