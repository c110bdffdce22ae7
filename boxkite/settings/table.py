"""Every setting of a monitor, one row each: name, type, default and meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from boxkite.settings import converters as read

__all__ = ["Settings"]


def _setting(
    default: Any,
    meaning: str,
    convert: Callable[[str, Any], Any] = read.as_text,
    legacy: str | None = None,
) -> Any:
    metadata = {"meaning": meaning, "convert": convert, "legacy": legacy}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one monitor. The name of a setting is its field's in capitals."""

    baseline: str = _setting(
        "/artefact/histogram.prom", "path or URL of `histogram.prom`; empty: none"
    )
    model: str | None = _setting(
        None, "the model's name; default: the baseline's", read.as_optional(read.as_text)
    )
    version: str | None = _setting(
        None, "the baseline's version; default: the baseline's", read.as_optional(read.as_text)
    )
    exposition: Literal["labelled", "classic"] = _setting(
        "labelled",
        "form of the series: `labelled`, or `classic` as boxkite 0.0.5 had it",
        read.as_one_of("labelled", "classic"),
    )
    metrics_path: str = _setting(
        "/metrics", "where the metrics are mounted; empty: nowhere", read.as_path
    )
    metrics_token: str | None = _setting(
        None,
        "bearer token that a scrape must bring; none: open to all",
        read.as_optional(read.as_secret),
    )
    drift_path: str | None = _setting(
        None,
        "where the drift page is; default: `/drift` while debugging, else nowhere; empty: nowhere",
        read.as_path,
    )
    export_baseline: bool = _setting(
        True,
        "export the baseline's series too; false if another target exports `histogram.prom` for "
        "all replicas",
        read.as_bool,
    )
    design_effect: float = _setting(
        1.0,
        "how many rows tell as much as one that is independent of the others, where requests come "
        "in bursts or are repeated",
        read.as_design_effect,
    )
    log: str = _setting(
        "file:",
        "where predictions are logged: a folder or `file:` URL, `s3:`, `gs:`, `az:`, `fluentd:`, "
        "`none:` for nowhere; default: a folder beside the state, of 256 MiB at most",
    )
    log_ttl: float = _setting(
        30 * 86400.0,
        "how long files of the log are kept, as `30d` or seconds; 0: for ever",
        read.as_duration,
    )
    log_sample: float = _setting(
        1.0, "the share of predictions that is logged, by the id; all are counted", read.as_share
    )
    log_request_body: bool = _setting(False, "log the bodies of requests too", read.as_bool)
    log_redact: tuple[str, ...] = _setting(
        (), "names of features and fields whose values are not kept, with commas", read.as_names
    )
    log_compression: Literal["none", "gzip", "zstd"] = _setting(
        "none",
        "of the log's files: `none`, `gzip` or `zstd`",
        read.as_one_of("none", "gzip", "zstd"),
    )
    log_record_max_bytes: int = _setting(
        2**20,
        "the most that one prediction takes in the log; what is too large is left out",
        read.as_count,
    )
    endpoint_id: str = _setting(
        "unknown-endpoint", "of the service, in the log", legacy="BEDROCK_ENDPOINT_ID"
    )
    replica_id: str = _setting(
        "", "of this replica, in the log; default: the host's name", legacy="BEDROCK_POD_NAME"
    )
    logger_id: str = _setting("", "of the worker, in the log; default: drawn for each process")
    server_id: str = _setting(
        "unknown-server",
        "first part of each prediction id",
        read.as_header,
        legacy="BEDROCK_SERVER_ID",
    )
    state_dir: str | None = _setting(
        None,
        "folder of journals and counts; none: one of the service's own, for this run",
        read.as_optional(read.as_text),
    )
    state_max_bytes: int = _setting(
        256 * 2**20, "the most that the journal of one worker takes on disk", read.as_count
    )
    state_sync_seconds: float = _setting(
        0.0,
        "how often the journal is written to the disk, against a loss of power; 0: never",
        read.as_duration,
    )
    enabled: bool = _setting(
        True, "false: views are left as they are, nothing is mounted", read.as_bool
    )
