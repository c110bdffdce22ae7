"""The options of `Boxkite(app, ...)`, with their types."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Literal, TypedDict

from prometheus_client import CollectorRegistry

from boxkite.baseline import Baseline
from boxkite.drift import Policy
from boxkite.logs.sink import LogTarget
from boxkite.web.protection import Authorize

__all__ = ["Options"]

Text = str | None
Path = str | os.PathLike[str] | None
Duration = float | str | None


class Options(TypedDict, total=False):
    """Everything that can be passed to `Boxkite`, by name.

    The options up to `authorize` take objects. The others are settings with the names in
    `Settings`. They override the configuration; None means that the configuration decides.

    Attributes:
        baseline: A `Baseline`, or the path or URL of a `histogram.prom`.
        log: The URL of a log, a sink, or an exporter of boxkite 0.0.5.
        registry: The application's own metrics, shown on the same page; None for none.
        policy: The rate of false alarms and the smallest effect that counts as drift.
        authorize: Called with each request for a page of boxkite. Only `True` grants access. It
            may be async.
    """

    baseline: Baseline | Path
    log: LogTarget
    registry: CollectorRegistry | None
    policy: Policy | None
    authorize: Authorize | None

    model: Text
    version: Text
    exposition: Literal["labelled", "classic"] | None
    metrics_path: Text
    metrics_token: Text
    drift_path: Text
    max_rows: int | None
    body_max_bytes: int | None
    export_baseline: bool | None
    design_effect: float | None
    log_ttl: Duration
    log_sample: float | None
    log_request_body: bool | None
    log_redact: Collection[str] | None
    log_unknown: bool | None
    log_file_minutes: int | None
    log_compression: Literal["none", "gzip", "zstd"] | None
    log_record_max_bytes: int | None
    endpoint_id: Text
    replica_id: Text
    logger_id: Text
    server_id: Text
    outcome_ttl: Duration
    state_dir: Path
    state_max_bytes: int | None
    state_sync_seconds: Duration
    enabled: bool | None
