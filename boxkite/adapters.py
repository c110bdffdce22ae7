"""The public names for adapters of web frameworks. `docs/guides/adapters.md` shows how to use them.

An adapter has three parts: an `Extension`, which its users know as `Boxkite`; an `Application`,
which sets up one application of the framework; and an `Exchange`, which stands for one request and
its response.
"""

from boxkite.settings import Layer, Settings
from boxkite.web.answers import Answered, Content
from boxkite.web.context import Prediction
from boxkite.web.extension import Extension
from boxkite.web.framework import Application, Exchange, require_application
from boxkite.web.models import Models
from boxkite.web.options import Options
from boxkite.web.page import Page, PageAnswer, PageRequest, Rendering
from boxkite.web.protection import Authorize
from boxkite.web.registered_views import RegisteredView
from boxkite.web.sign_in import MAX_FORM_BYTES
from boxkite.web.sources import (
    PREDICTION_COUNT_HEADER,
    PREDICTION_ID_HEADER,
    PendingPrediction,
    SegmentSource,
    Source,
)

__all__ = [
    "MAX_FORM_BYTES",
    "PREDICTION_COUNT_HEADER",
    "PREDICTION_ID_HEADER",
    "Answered",
    "Application",
    "Authorize",
    "Content",
    "Exchange",
    "Extension",
    "Layer",
    "Models",
    "Options",
    "Page",
    "PageAnswer",
    "PageRequest",
    "PendingPrediction",
    "Prediction",
    "RegisteredView",
    "Rendering",
    "SegmentSource",
    "Settings",
    "Source",
    "require_application",
]
