"""Count compacted predictions column by column, without an object for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.tally import Tally, tally_column, tally_numbers
from boxkite.baseline.values import to_category
from boxkite.live.counts import Counts
from boxkite.live.redaction import REDACTED
from boxkite.logs.compaction.arrow_numbers import as_floats
from boxkite.logs.compaction.row_layout import SINGLE, FieldLayout, Kind
from boxkite.logs.reader.compacted_rows import CompactedRows

__all__ = ["count_columns"]


@dataclass(frozen=True)
class _Source:
    """Where the values of a variable are.

    Attributes:
        field: `features` or `output`.
        name: name of the column in the field.
        kind: kind of the column; None if no row has the name.
    """

    field: str
    name: str
    kind: Kind | None


def count_columns(baseline: Baseline, rows: CompactedRows, counts: Counts) -> CompactedRows:
    """Count the rows whose columns hold the values that a record has.

    Args:
        baseline: Baseline whose cells are counted.
        rows: Rows to count.
        counts: Counts to add to.

    Returns:
        The other rows, which must be counted one by one. There are few, except in strange logs.
    """
    sources = _sources(baseline, rows)
    if sources is None or baseline.segments:
        # A column does not tell which segment each of its values belongs to.
        return rows
    plain = _is_plain(rows)
    if pc.all(plain).as_py():
        batch, rest = rows.batch, rows.batch.slice(0, 0)
    else:
        batch, rest = rows.batch.filter(plain), rows.batch.filter(pc.invert(plain))
    for i, (variable, source) in enumerate(zip(baseline.variables, sources, strict=True)):
        counts.add_tally(i, _tally(variable, source.kind, _column(batch, source)))
    counts.predictions += len(batch)
    return replace(rows, batch=rest)


def _sources(baseline: Baseline, rows: CompactedRows) -> list[_Source] | None:
    """Return where the values of each variable are; None if columns cannot tell."""
    features = _feature_sources([each.name for each in baseline.features], rows.layout.features)
    output = _output_sources([each.name for each in baseline.outputs], rows.layout.output)
    if features is None or output is None:
        return None
    of_role = {"feature": iter(features), "output": iter(output)}
    found = [next(of_role[each.role]) for each in baseline.variables]
    return None if any(each.kind == "json" for each in found) else found


def _feature_sources(names: list[str], layout: FieldLayout) -> list[_Source] | None:
    if layout.form == "object":
        return [_Source("features", name, layout.kinds.get(name)) for name in names]
    return _by_position("features", names, layout)


def _output_sources(names: list[str], layout: FieldLayout) -> list[_Source] | None:
    if not layout.kinds:
        return [_Source("output", name, None) for name in names]
    if layout.form == "single" and len(names) == 1:
        return [_Source("output", SINGLE, layout.kinds[SINGLE])]
    # If a row has other names, the service looks further for what they mean.
    if layout.form == "object" and layout.kinds.keys() >= set(names):
        return [_Source("output", name, layout.kinds[name]) for name in names]
    return _by_position("output", names, layout) if names else []


def _by_position(field: str, names: list[str], layout: FieldLayout) -> list[_Source] | None:
    if layout.form != "list" or len(layout.kinds) != len(names):
        return None
    return [_Source(field, name, kind) for name, kind in layout.kinds.items()]


def _is_plain(rows: CompactedRows) -> pa.Array:
    """Return which rows have all their values in columns, under the names of the layout."""
    batch = rows.batch
    conditions = [batch.column("line").is_null(), batch.column("truncated").is_null()]
    if "features" in batch.schema.names:
        conditions.append(batch.column("features").is_valid())
    if rows.layout.features.form != "object" or rows.layout.output.form != "single":
        # A shape means other names or another length, which only matter here.
        conditions.append(batch.column("shape").is_null())
    plain = conditions[0]
    for each in conditions[1:]:
        plain = pc.and_(plain, each)
    return plain


def _column(batch: pa.RecordBatch, source: _Source) -> pa.Array:
    if source.kind is None:
        return pa.nulls(len(batch))
    column = batch.column(source.field)
    return (
        column
        if source.name == SINGLE and not pa.types.is_struct(column.type)
        else (pc.struct_field(column, [source.name]))
    )


def _tally(variable: Variable, kind: Kind | None, array: pa.Array) -> Tally:
    if isinstance(variable, CategoryVariable):
        labels: Counter[str] = Counter()
        for value, rows in _distinct(array):
            label = to_category(value)
            if label is not None:
                labels[label] += rows
        missing = len(array) - labels.total()
        return tally_column(variable, CategoryColumn(labels, missing))
    if kind == "text":
        texts = {str(value): rows for value, rows in _distinct(array)}
        return tally_column(variable, CategoryColumn(texts, len(array) - sum(texts.values())))
    return tally_numbers(variable, as_floats(array))


def _distinct(array: pa.Array) -> Iterator[tuple[object, int]]:
    """Yield each value with its number of rows. Redacted and missing values are left out."""
    counted = array.value_counts()
    values, numbers = (counted.field(name).to_pylist() for name in ("values", "counts"))
    for value, rows in zip(values, numbers, strict=True):
        if value is not None and value != REDACTED:
            yield _INFINITIES.get(value, value), rows


# The log has infinities as texts, and a category may have that name.
_INFINITIES: dict[object, str] = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
