"""A Flask application with a monitor, whose predictions are also kept in a list."""

from typing import Any

import pytest
from flask import Flask

import boxkite
import boxkite_flask


@pytest.fixture
def app() -> Flask:
    """An application without views."""
    return Flask("service")


@pytest.fixture
def monitor(app: Flask, score_baseline: boxkite.Baseline, records: Any) -> boxkite_flask.Boxkite:
    """The application's extension."""
    return boxkite_flask.Boxkite(app, baseline=score_baseline, log=records, registry=None)
