"""The former name of `LogContext`."""

from __future__ import annotations

from boxkite.live.log_context import LogContext

__all__ = ["LogTerms"]

LogTerms = LogContext
