"""Find the features in a request's body, or the output in a view's return value."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Any

from boxkite.baseline import Baseline
from boxkite.baseline.class_probabilities import WINNER
from boxkite.rows.row import is_row
from boxkite.web.context import Part
from boxkite.web.inference_protocols import (
    KEYS,
    request_table,
    response_table,
    table_of,
    tensor_table,
)
from boxkite.web.key_paths import PerObject, pick

__all__ = ["Lookup"]

_V2 = "v2"
_PLACES = {
    "features": "the request's JSON body",
    "output": "the returned object",
    "segments": "the request's JSON body",
}


class Lookup:
    """Finds features or segments in a request's body, or the output in a view's return value.

    Args:
        part: Which of them it finds.
        source: A key path, names, or None for the whole content.
    """

    def __init__(self, part: Part, source: str | Sequence[str] | None) -> None:
        self._part = part
        self._is_features = part == "features"
        self._source = source
        self._known: tuple[Baseline, dict[str, None]] | None = None
        self._ordered: tuple[Baseline, Sequence[str], bool] | None = None

    def find(self, content: Any, baseline: Baseline) -> Any:
        """Return the part of the content that the source points to.

        Args:
            content: Mappings, lists, objects with named fields, and their parts.
            baseline: The baseline, whose variables may be in another order than the names.

        Raises:
            LookupError: if there is no such part. The message says what it looked for and what the
                content has.
        """
        source = self._source
        if source is None:
            if type(content) is dict and not KEYS.isdisjoint(content):
                return self._from_server(content, self._names(baseline))
            return content
        if isinstance(source, str):
            return self._at_path(content, source, baseline)
        names, by_name = self._in_order(source, baseline)
        if type(content) is dict and not KEYS.isdisjoint(content):
            content = self._from_server(content, names)
        value = pick(content, names, _PLACES[self._part])
        if type(value) is not PerObject and type(value[0]) is list and self._is_features:
            known = list(self._names(baseline))
            if known:
                # The names have columns, not values. Rows by position would mix them up.
                columns = names if by_name or len(names) != len(known) else known
                return dict(zip(columns, value, strict=True))
        if not by_name:
            return self._as_rows(value)
        if type(value) is not PerObject:
            return dict(zip(names, value, strict=True))
        rows = [None if row is None else dict(zip(names, row, strict=True)) for row in value]
        return self._as_rows(PerObject(rows))

    def _at_path(self, content: Any, path: str, baseline: Baseline) -> Any:
        """Return the part under a key path, as rows or columns if it is a protocol's table."""
        # Most key paths are a single key of a JSON object, and the whole path always wins.
        if type(content) is dict and path in content:
            value = content[path]
        elif path == _V2:
            key = "inputs" if self._is_features else "outputs"
            return tensor_table(content, key, self._names(baseline))
        else:
            value = self._as_rows(pick(content, path, _PLACES[self._part]))
        if self._is_features and (type(value) is dict or _is_list_of_objects(value)):
            return table_of(value, self._names(baseline))
        return value

    def _from_server(self, content: dict[str, Any], names: Collection[str]) -> Any:
        """Return the table in a request or response of a model server."""
        return (request_table if self._is_features else response_table)(content, names)

    def _names(self, baseline: Baseline) -> Collection[str]:
        """Return the names of the baseline's features or outputs, in order."""
        if self._known is None or self._known[0] is not baseline:
            variables = baseline.features if self._is_features else baseline.outputs
            self._known = (baseline, dict.fromkeys(each.name for each in variables))
        return self._known[1]

    def check(self, baseline: Baseline) -> None:
        """Check that the names fit a baseline.

        Raises:
            LookupError: if some of them are the baseline's and some are not.
        """
        if self._source is not None and not isinstance(self._source, str):
            self._in_order(self._source, baseline)

    def _in_order(self, source: Sequence[str], baseline: Baseline) -> tuple[Sequence[str], bool]:
        """Return the names in the order to read them, and whether to match values by name.

        If the names are exactly the baseline's, they are put into its order. If they are some of
        the baseline's, their values are matched by name. If none of them is the baseline's, they
        are the service's own, and stand for the baseline's variables in the given order.
        """
        if self._ordered is not None and self._ordered[0] is baseline:
            return self._ordered[1:]
        variables = baseline.features if self._part == "features" else baseline.outputs
        known = [each.name for each in variables]
        if baseline.classes and self._part == "output" and WINNER not in source:
            known = list(baseline.classes)
        self._refuse_mixture(source, known)
        names = known if set(source) == set(known) else source
        by_name = set(source) < set(known)
        # Two threads may do this at the same time. Assign all three values at once, so that the
        # names stay together with the baseline that they belong to.
        self._ordered = (baseline, names, by_name)
        return names, by_name

    def _refuse_mixture(self, source: Sequence[str], known: Sequence[str]) -> None:
        """Refuse a list in which the baseline has some names and lacks others.

        By position, the others would shift the baseline's names to other variables.
        """
        unknown = [name for name in source if name not in known]
        if not unknown or len(unknown) == len(source):
            return
        (nearest,) = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.0)
        raise LookupError(
            f"{self._part}= names {unknown[0]!r}, which the baseline does not have; did you mean "
            f"{nearest!r}?"
        )

    def _as_rows(self, value: Any) -> Any:
        """Return features that were picked from several objects as rows, other values unchanged."""
        if type(value) is not PerObject or not self._is_features:
            return value
        return [{} if row is None else row if is_row(row) else [row] for row in value]


def _is_list_of_objects(value: Any) -> bool:
    return type(value) is list and bool(value) and type(value[0]) is dict
