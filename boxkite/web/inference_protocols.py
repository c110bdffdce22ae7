"""Read the requests of model servers: MLflow, KServe, Triton, TensorFlow Serving and SageMaker.

Sources: MLflow's "Serve a model locally" (`dataframe_split`, `dataframe_records`, `instances`,
`inputs`), KServe's V1 protocol (`instances`), the Open Inference Protocol V2 (a list of tensors),
and SageMaker's "Common data formats for inference" (`features`).
"""

# Values here are parsed JSON. After `isinstance`, pyright does not know their type parameters.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["KEYS", "request_table", "response_table", "table_of", "tensor_table"]

KEYS = frozenset(
    {"dataframe_split", "dataframe_records", "instances", "inputs", "columns", "outputs"}
)
"""Keys by which requests and responses of the protocols are recognised."""

_TABLES = ("dataframe_split", "dataframe_records", "instances", "inputs")


def request_table(content: Mapping[str, Any], names: Collection[str]) -> Any:
    """Return the table in the request of a model server.

    Args:
        content: A parsed JSON object.
        names: Names of the variables. An object with one of them is a row itself.

    Returns:
        Rows or columns, as `table_of` returns them. Any other content is returned unchanged.
    """
    if _has(content, names):
        return content
    key = next((key for key in _TABLES if key in content), None)
    table = content if key is None else content[key]
    if len(names) == 1 and type(table) is list and not any(map(_is_container, table)):
        return [[value] for value in table]  # each value is a row, because a row has one value
    return table_of(table, names)


def response_table(content: Mapping[str, Any], names: Collection[str]) -> Any:
    """Return the outputs in a response of the V2 protocol, and any other response unchanged."""
    tensors = content.get("outputs")
    if not isinstance(tensors, list) or not tensors or not all(map(_is_tensor, tensors)):
        return content
    return _of_tensors(tensors, names)


def tensor_table(content: Any, key: str, names: Collection[str]) -> Any:
    """Return the table in a request or response that must be of the V2 protocol.

    Args:
        content: A parsed JSON object.
        key: The key of the tensors: "inputs" or "outputs".
        names: Names of the variables.

    Raises:
        LookupError: if there are no tensors.
    """
    tensors = content.get(key) if isinstance(content, dict) else None
    if not isinstance(tensors, list) or not tensors or not all(map(_is_tensor, tensors)):
        raise LookupError(
            f"no list of tensors under {key!r}, each with `name`, `shape`, `datatype` and `data`, "
            "as the V2 protocol has it"
        )
    return _of_tensors(tensors, names)


def table_of(table: Any, names: Collection[str]) -> Any:
    """Return rows or columns by name from one of the forms of the protocols.

    Args:
        table: `{"columns": […], "data": [[…], …]}`, a list of tensors, or a list of
            `{"features": […]}`. Any other value is returned unchanged.
        names: Names of the variables.

    Raises:
        ValueError: if rows have another width than the columns, or a tensor has no data.
    """
    if type(table) is dict:
        return _of_split(table) if "columns" in table and not _has(table, names) else table
    if type(table) is not list or not table or type(table[0]) is not dict or _has(table[0], names):
        return table
    if all(map(_is_tensor, table)):
        return _of_tensors(table, names)
    if all(map(_has_features, table)):
        return [_features_of(each) for each in table]
    return table


def _has(mapping: Mapping[str, Any], names: Collection[str]) -> bool:
    return any(name in mapping for name in names)


def _is_container(value: Any) -> bool:
    return isinstance(value, list | dict)


def _of_split(table: Mapping[str, Any]) -> Any:
    columns, rows = table["columns"], table.get("data")
    if not (isinstance(columns, list) and isinstance(rows, list)):
        return table
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            number = len(row) if isinstance(row, list) else 1
            raise ValueError(f"a row of `data` has {number} values for {len(columns)} `columns`")
    return [dict(zip(map(str, columns), row, strict=True)) for row in rows]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and "name" in value and "shape" in value and "datatype" in value


def _of_tensors(tensors: Sequence[Mapping[str, Any]], names: Collection[str]) -> Any:
    """Return the columns of several tensors, or the rows of a single one without a known name."""
    columns: dict[str, Any] = {}
    for tensor in tensors:
        if "data" not in tensor:
            raise ValueError(
                f"the tensor {tensor['name']!r} has no `data`; boxkite cannot read binary tensors"
            )
        columns[str(tensor["name"])] = _flat(tensor["data"])
    if len(columns) > 1 or _has(columns, names):
        return columns
    (values,) = columns.values()
    shape = tensors[0]["shape"]
    rows = shape[0] if isinstance(shape, list) and shape and isinstance(shape[0], int) else 0
    if len(shape) < 2:
        return [[value] for value in values] if len(names) == 1 else values
    width = len(values) // rows if rows > 0 else 0
    if rows < 0 or width * rows != len(values):
        raise ValueError(f"the shape {shape} of a tensor does not fit its {len(values)} values")
    return [values[row * width : (row + 1) * width] for row in range(rows)]


def _flat(data: Any) -> list[Any]:
    """Return the values of a tensor in a flat list. `data` may be nested as its shape is."""
    values = data if isinstance(data, list) else [data]
    while any(isinstance(each, list) for each in values):
        values = [one for each in values for one in (each if isinstance(each, list) else [each])]
    return values


def _has_features(value: Any) -> bool:
    return isinstance(value, dict) and ("features" in value or "data" in value)


def _features_of(record: Mapping[str, Any]) -> Any:
    """Return the row of one of SageMaker's records, which may also say `values`."""
    row = record["features"] if "features" in record else record["data"]
    while isinstance(row, dict) and len(row) == 1 and next(iter(row)) in ("features", "values"):
        (row,) = row.values()
    return row
