"""Every setting of a monitor in one table: name, type, default and meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from boxkite.settings import converters as read

__all__ = ["Settings"]


def _setting(
    default: Any,
    meaning: str,
    convert: Callable[[str, Any], Any] = read.as_text,
    legacy: str | None = None,
    *,
    secret: bool = False,
) -> Any:
    metadata = {"meaning": meaning, "convert": convert, "legacy": legacy}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one monitor. A setting is configured by its name in capital letters.

    `docs/reference/settings.md` shows this table; a test compares the two.

    Raises:
        ConfigError: If a value cannot be used.
    """

    baseline: str = _setting(
        "/artefact/histogram.prom",
        "Path or URL of `histogram.prom`. If empty, the service runs without a baseline.",
        secret=True,  # a presigned URL holds its signature
    )
    model: str | None = _setting(
        None,
        "Name of the model. Defaults to the name in the baseline.",
        read.as_optional(read.as_text),
    )
    version: str | None = _setting(
        None,
        "Version of the baseline. Defaults to the version in the baseline.",
        read.as_optional(read.as_text),
    )
    exposition: Literal["labelled", "classic"] = _setting(
        "labelled",
        "Form of the series: `labelled`, or `classic` for the series of boxkite 0.0.5.",
        read.as_one_of("labelled", "classic"),
    )
    metrics_path: str = _setting(
        "/metrics", "Path of the metrics. If empty, boxkite mounts no metrics.", read.as_path
    )
    metrics_token: str | None = _setting(
        None,
        "Bearer token for the metrics and the drift page. If empty, anyone may see them.",
        read.as_optional(read.as_secret),
        secret=True,
    )
    drift_path: str | None = _setting(
        None,
        "Path of the drift page. Defaults to `/drift` in debug mode, and to no page otherwise. If "
        "empty, there is none.",
        read.as_path,
    )
    max_rows: int = _setting(
        10_000,
        "Most rows that one request may count. boxkite counts none of a larger request, and "
        "reports it.",
        read.as_count,
    )
    body_max_bytes: int = _setting(
        2**20,
        "Largest JSON body that boxkite parses, in bytes after decompression. It reports a "
        "larger one.",
        read.as_count,
    )
    export_baseline: bool = _setting(
        True,
        "Whether `/metrics` includes the baseline's series. Set it to false if another target "
        "exports `histogram.prom`.",
        read.as_bool,
    )
    design_effect: float = _setting(
        1.0,
        "Observed rows per independent row. Raise it when requests come in bursts.",
        read.as_design_effect,
    )
    log: str = _setting(
        "file:",
        "Destination of the prediction log: a folder, or a URL with `file:`, `s3:`, `gs:`, "
        "`az:` or `fluentd:`. `none:` turns the log off. Defaults to a folder beside the state, "
        "which takes at most 256 MiB.",
    )
    log_ttl: float = _setting(
        30 * 86400.0,
        "Age at which log files are deleted, in seconds or as a duration such as `30d`, the "
        "default. 0 keeps them forever.",
        read.as_duration,
    )
    log_sample: float = _setting(
        1.0,
        "Share of predictions to log, from 0 to 1. All predictions are counted.",
        read.as_share,
    )
    log_request_body: bool = _setting(False, "Whether to log request bodies too.", read.as_bool)
    log_redact: tuple[str, ...] = _setting(
        (),
        "Features and fields whose values reach neither the log nor the journal, separated by "
        "commas.",
        read.as_names,
    )
    log_unknown: bool = _setting(
        False,
        "Whether to log fields that the baseline does not have. If false, boxkite reports each "
        "name once and keeps no value.",
        read.as_bool,
    )
    log_file_minutes: int = _setting(
        1,
        "Minutes that one log file covers: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60. More "
        "minutes mean fewer files, and later ones.",
        read.as_part_of_an_hour,
    )
    log_compression: Literal["none", "gzip", "zstd"] | None = _setting(
        None,
        "Compression of log files: `none`, `gzip` or `zstd`. Defaults to `none` in a folder, and "
        "in an object store to `zstd` if zstandard is installed, and otherwise to `gzip`.",
        read.as_one_of("none", "gzip", "zstd"),
    )
    log_record_max_bytes: int = _setting(
        2**20,
        "Largest size of one prediction in the log, in bytes. Parts that do not fit are left out.",
        read.as_count,
    )
    endpoint_id: str = _setting(
        "unknown-endpoint", "Name of the service in the log.", legacy="BEDROCK_ENDPOINT_ID"
    )
    replica_id: str = _setting(
        "",
        "Name of this replica in the log. Defaults to the host name.",
        legacy="BEDROCK_POD_NAME",
    )
    logger_id: str = _setting(
        "", "Name of the worker in the log. Defaults to a random name for each process."
    )
    server_id: str = _setting(
        "unknown-server",
        "First part of each prediction id.",
        read.as_header,
        legacy="BEDROCK_SERVER_ID",
    )
    outcome_ttl: float = _setting(
        0.0,
        "Time that predictions wait for their labels (`log_outcome`), in seconds or as a duration "
        "such as `12h` or `30d`. 0 takes no labels.",
        read.as_duration,
    )
    state_dir: str | None = _setting(
        None,
        "Folder of journals and counts. Defaults to a temporary folder, which lasts until the "
        "service's last worker ends.",
        read.as_optional(read.as_text),
    )
    state_max_bytes: int = _setting(
        256 * 2**20,
        "Largest size of one worker's journal, and of the predictions that wait for labels, in "
        "bytes.",
        read.as_count,
    )
    state_sync_seconds: float = _setting(
        0.0,
        "Time between syncs of the journal to disk, which protect it from a loss of power, in "
        "seconds or as a duration such as `1m`. 0 never syncs it.",
        read.as_duration,
    )
    enabled: bool = _setting(
        True,
        "Whether boxkite does anything. If false, views run unchanged and there are no pages.",
        read.as_bool,
    )

    def __post_init__(self) -> None:
        for row in fields(self):
            value = getattr(self, row.name)
            if value is not row.default:
                object.__setattr__(self, row.name, row.metadata["convert"](row.name, value))
