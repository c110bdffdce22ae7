"""Read the values of segment columns that are no features, in each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from boxkite.system.type_guards import is_mapping
from boxkite.web.context import UNSET
from boxkite.web.source_reader import Answering, SourceReader, check_source

__all__ = ["SegmentReader", "SegmentSource"]

SegmentSource: TypeAlias = "str | Callable[[Any], Any] | Mapping[str, str | Callable[[Any], Any]]"
"""Where to find the values of segment columns that are no features.

It is a key path into the JSON body or a callable of the request, or a mapping from the name of a
column to either. Without names, it finds the value of the only such column, or values by name.
"""


class SegmentReader:
    """Reads the values of segment columns.

    Args:
        source: The source; None for none.
        view: The view's name, for messages.
        awaited: Whether callables may be async.

    Attributes:
        has_sources: Whether there is any source.
        may_await: Whether a source may return an awaitable.

    Raises:
        TypeError: if it is no source.
    """

    def __init__(self, source: SegmentSource | None, view: str, *, awaited: bool) -> None:
        self._is_named = is_mapping(source)
        sources = _by_name(source)
        for each in sources.values():
            check_source("segments", each, awaited)
        self._readers = {
            name: SourceReader("segments", each, view) for name, each in sources.items()
        }
        self.has_sources = bool(sources)
        self.may_await = any(map(callable, sources.values()))
        self._given = SourceReader("segments", "", view)

    def read(self, pending: Answering, awaited: Mapping[str, Any]) -> Any:
        """Return what the view has set, or the values of the sources; None if there are none.

        Args:
            pending: The prediction.
            awaited: The values of callables that were awaited.
        """
        if pending.prediction.segments is not UNSET:
            return self._given.read(pending)
        if not self.has_sources or not pending.monitor.baseline.segments:
            return None
        found = {
            name: awaited[name] if name in awaited else reader.read(pending)
            for name, reader in self._readers.items()
        }
        return found if self._is_named else found[""]

    async def call_awaiting(self, pending: Answering) -> dict[str, Any]:
        """Return the values of the callables by name, awaited if necessary."""
        if not pending.monitor.baseline.segments:
            return {}
        found = {name: await each.call_awaiting(pending) for name, each in self._readers.items()}
        return {name: value for name, value in found.items() if value is not UNSET}


def _by_name(source: object) -> Mapping[str, str | Callable[[Any], Any]]:
    """Return the sources by name. A source without a name is the only one, and its name is empty.

    Raises:
        TypeError: if one of them is no source.
    """
    sources: Mapping[Any, Any] = {} if source is None else {"": source}
    if is_mapping(source):
        sources = source
    for each in sources.values():
        if not (isinstance(each, str) or callable(each)):
            raise TypeError(
                f"segments={source!r} is not a source; pass a key path, a callable, or a mapping "
                "from the name of a column to either"
            )
    return sources
