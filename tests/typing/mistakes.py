"""Mistakes that type checkers must find.

A comment names the rule that pyright reports in its line, and after the bar the code of mypy.
"""

from flask import Flask
from starlette.applications import Starlette

import boxkite_flask
import boxkite_starlette
from boxkite import current_prediction

app = Flask(__name__)
monitor = boxkite_flask.Boxkite(app)

boxkite_flask.Boxkite(app, basline="histogram.prom")  # E: reportCallIssue | call-arg
boxkite_flask.Boxkite(app, log=5)  # E: reportArgumentType | arg-type
boxkite_flask.Boxkite(app, authorize="me")  # E: reportArgumentType | arg-type
boxkite_flask.Boxkite(app, exposition="clasic")  # E: reportArgumentType | arg-type
boxkite_flask.Boxkite("histogram.prom")  # E: reportArgumentType | arg-type
boxkite_starlette.Boxkite(enabled="no")  # E: reportArgumentType | arg-type
boxkite_starlette.Boxkite(app)  # E: reportArgumentType | arg-type
monitor.init_app(app, model="a")  # E: reportCallIssue | call-arg
monitor.init_app(Starlette())  # E: reportArgumentType | arg-type

current_prediction.featurs = [1]  # E: reportAttributeAccessIssue | attr-defined
current_prediction.id = "mine"  # E: reportAttributeAccessIssue | misc
scores = [current_prediction.outputs]  # E: reportAttributeAccessIssue | attr-defined


@monitor.predict(feature="age")  # E: reportCallIssue | call-overload
def misspelt() -> float:
    return 0.3


@monitor.predict(features=5)  # E: reportArgumentType | call-overload
def no_source() -> float:
    return 0.3


@monitor.predict(output="score")
def score(age: int) -> float:
    return age / 100


score("30")  # E: reportArgumentType | arg-type
text: str = score(30)  # E: reportAssignmentType | assignment
