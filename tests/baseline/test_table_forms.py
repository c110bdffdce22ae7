"""Tables of other libraries are read as columns."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
import scipy.sparse

from boxkite import Baseline, compare

VALUES = np.array([[1.0, 0.0], [2.5, 0.0], [0.0, 3.0], [4.0, 1.0]] * 10)
COLUMNS = {"x0": VALUES[:, 0], "x1": VALUES[:, 1]}
TABLE = pa.table(COLUMNS)


class Stream:
    """Any object with the Arrow interface."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return TABLE.__arrow_c_stream__(requested_schema)


class Tensor:
    """A tensor as torch has them: an array after `__array__`, with a shape."""

    shape = VALUES.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(VALUES, dtype=dtype, copy=copy)


class HuggingFace:
    """A data set as Hugging Face has them, which gives its rows in the format asked for."""

    column_names = ("x0", "x1")

    def with_format(self, form: str) -> Any:
        assert form == "arrow"
        return self

    def __getitem__(self, rows: slice) -> pa.Table:
        assert rows == slice(None)
        return TABLE


def dataset(folder: Path) -> Any:
    pa.parquet.write_table(TABLE, folder / "rows.parquet")
    return pyarrow.dataset.dataset(folder)


FORMS: dict[str, Any] = {
    "stream": lambda _: Stream(),
    "batch": lambda _: TABLE.to_batches()[0],
    "reader": lambda _: TABLE.to_reader(),
    "dataset": dataset,
    "scanner": lambda folder: dataset(folder).scanner(),
    "sparse": lambda _: scipy.sparse.csr_matrix(VALUES),
    "tensor": lambda _: Tensor(),
    "hugging face": lambda _: HuggingFace(),
    "rows": lambda _: TABLE.to_pylist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_read_in_any_form(form: str, tmp_path: Path) -> None:
    expected = Baseline.fit(COLUMNS)
    assert Baseline.fit(FORMS[form](tmp_path)) == expected
    assert compare(expected, FORMS[form](tmp_path)).as_dict() == (
        compare(expected, COLUMNS).as_dict()
    )
