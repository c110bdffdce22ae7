"""A baseline is written, read back equal, and merged."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boxkite.baseline import Baseline, NumericVariable
from boxkite.baseline.baseline import Exposition
from boxkite.baseline.json_line import series_digest
from boxkite.errors import BaselineError, BaselineWarning

EXPOSITIONS: list[Exposition] = ["labelled", "classic"]
ODD = ["", "nan", "__other__", "__unseen__", 'quo"te', "new\nline", "\r", "back\\slash\\", "🪁"]
ODD += ["a:b", "{c}=d,e", "\u2028\x85\x0b", "\ud800", "None", " ", "# TAIL", "le", "x" * 1000]
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals(allow_nan=False)
NAMES = st.text() | st.sampled_from(ODD)


def fit(*arguments: Any, **options: Any) -> Baseline:
    """Fit without the warnings that a column of any make may give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        return Baseline.fit(*arguments, **options)


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """Draw baselines of one to three columns of any values and names, with or without output."""
    rows = draw(st.integers(1, 40))
    column = st.one_of(
        [st.lists(kind, min_size=rows, max_size=rows) for kind in (CELLS, NAMES, CELLS | NAMES)]
    )
    return fit(
        draw(st.dictionaries(st.text(), column, min_size=1, max_size=3)),
        draw(st.none() | column),
        model=draw(st.text() | st.just("\ud800")),
        max_categories=draw(st.integers(1, 5)),
    )


@pytest.mark.parametrize("exposition", EXPOSITIONS)
@given(baseline=baselines())
@example(baseline=fit(dict.fromkeys(ODD, ODD), max_categories=30))
@example(baseline=fit(dict.fromkeys(ODD, ODD), max_categories=3))
def test_what_is_read_equals_what_was_written_and_gives_the_same_bytes(
    baseline: Baseline, exposition: Exposition
) -> None:
    text = baseline.as_text(exposition)
    read = Baseline.from_text(text)
    assert read == baseline
    assert read.as_text(exposition) == text


@pytest.mark.parametrize("exposition", EXPOSITIONS)
def test_a_file_is_read_back_from_its_path_or_url(tmp_path: Path, exposition: Exposition) -> None:
    baseline = fit({"x": [1.0, 2.0, None], "colour": ["red", None, "blue"]}, model="m", version="v")
    path = tmp_path / "histogram.prom"
    baseline.write(path, exposition=exposition)
    assert Baseline.read(path) == Baseline.read(path.as_uri()) == baseline
    assert path.read_text() == baseline.as_text(exposition)


def test_a_file_of_a_version_with_other_help_texts_is_read() -> None:
    baseline = fit({"x": [1.0, 2.0, None]}, version="v")
    series, line = baseline.as_text().split("# BASELINE ")
    other = series.replace("Training rows.", "Rows at training.")
    with pytest.raises(BaselineError, match=r"line 1: found .*Rows at training"):
        Baseline.from_text(f"{other}# BASELINE {line}")
    names: Any = ("default", "v", "labelled")
    line = line.replace(series_digest(series, *names), series_digest(other, *names))
    assert Baseline.from_text(f"{other}# BASELINE {line}") == baseline


def test_the_labelled_file_of_a_small_baseline() -> None:
    baseline = fit(
        {"x": [1.0, 2.0, 4.0, None], "c": ["a", "a", "b", "d"]}, version="v", max_categories=1
    )
    head = 'model_name="default",model_version="v",variable_role="feature",variable='
    info, once = "boxkite_baseline_variable_info", "boxkite_baseline_tail_once"
    assert baseline.as_text().splitlines() == [
        "# HELP boxkite_baseline_rows Training rows.",
        "# TYPE boxkite_baseline_rows gauge",
        'boxkite_baseline_rows{model_name="default",model_version="v"} 4',
        f"# HELP {info} Kind of a variable and its place in a positional list.",
        f"# TYPE {info} gauge",
        f'{info}{{{head}"x",variable_kind="numeric",position="0"}} 1',
        f'{info}{{{head}"c",variable_kind="category",position="1"}} 1',
        "# HELP boxkite_baseline_missing Training rows without a value.",
        "# TYPE boxkite_baseline_missing gauge",
        f'boxkite_baseline_missing{{{head}"x"}} 1',
        f'boxkite_baseline_missing{{{head}"c"}} 0',
        "# HELP boxkite_baseline_min Least finite value at training.",
        "# TYPE boxkite_baseline_min gauge",
        f'boxkite_baseline_min{{{head}"x"}} 1.0',
        "# HELP boxkite_baseline_max Greatest finite value at training.",
        "# TYPE boxkite_baseline_max gauge",
        f'boxkite_baseline_max{{{head}"x"}} 4.0',
        "# HELP boxkite_baseline_bin Training rows in one bin (gt, le].",
        "# TYPE boxkite_baseline_bin untyped",
        f'boxkite_baseline_bin{{{head}"x",gt="-Inf",le="3.0"}} 2',
        f'boxkite_baseline_bin{{{head}"x",gt="3.0",le="+Inf"}} 1',
        "# HELP boxkite_baseline_value Values at training.",
        "# TYPE boxkite_baseline_value histogram",
        f'boxkite_baseline_value_bucket{{{head}"x",le="3.0"}} 2',
        f'boxkite_baseline_value_bucket{{{head}"x",le="+Inf"}} 3',
        f'boxkite_baseline_value_sum{{{head}"x"}} 7.0',
        f'boxkite_baseline_value_count{{{head}"x"}} 3',
        "# HELP boxkite_baseline_category Training rows of one category.",
        "# TYPE boxkite_baseline_category gauge",
        f'boxkite_baseline_category{{{head}"c",category="a"}} 2',
        f'boxkite_baseline_category{{{head}"c",category="__other__"}} 2',
        f'boxkite_baseline_category{{{head}"c",category="__unseen__"}} 0',
        f"# HELP {once} Categories counted as __other__ that one training row has.",
        f"# TYPE {once} gauge",
        f'{once}{{{head}"c"}} 2',
        (
            '# BASELINE {"format":1,"exposition":"labelled","model":"default","version":"v",'
            '"series":"3c091076d5e612af",'
            f'"digest":"{baseline.digest}","content":{{"rows":4,"variables":['
            '{"kind":"numeric","role":"feature","name":"x","position":0,"missing":1,'
            '"counts":[2,1],"edges":[3.0],"sum":7.0,"minimum":1.0,"maximum":4.0,'
            '"sum_pieces":[0,7]},'
            '{"kind":"category","role":"feature","name":"c","position":1,"missing":0,'
            '"counts":[2,2,0],"categories":["a","__other__","__unseen__"],'
            '"tail":"3x/rO/2dP1E=","tail_once":2,"once":"wA=="}]}}'
        ),
    ]


def test_the_version_is_made_of_the_distributions_unless_given() -> None:
    rows = {"x": [1.0, 2.0]}
    assert len({fit(rows).version, fit(rows, model="m").version, fit(rows).digest}) == 1
    assert fit(rows).version != fit({"x": [1.0, 3.0]}).version
    assert fit(rows, version="2.1").version == "2.1"
    assert fit(rows).relabelled(model="m", version="v") == fit(rows, model="m", version="v")


@given(
    values=st.lists(
        st.none() | st.floats(-1e6, 1e6) | st.just(float("inf")), min_size=2, max_size=60
    ),
    edges=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9),
    data=st.data(),
)
def test_merging_parts_of_the_same_edges_equals_fitting_the_whole(
    values: list[float], edges: list[float], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    bins = sorted({edge + 0.0 for edge in edges})
    parts = [fit({"x": part}, bins=bins) for part in (values[:cut], values[cut:])]
    (merged,) = parts[0].merge(parts[1]).variables
    (whole,) = fit({"x": values}, bins=bins).variables
    assert isinstance(merged, NumericVariable)
    assert isinstance(whole, NumericVariable)
    assert merged.counts.tolist() == whole.counts.tolist()
    assert (merged.missing, merged.rows) == (whole.missing, whole.rows)
    assert (merged.sum, merged.exact_sum) == (whole.sum, whole.exact_sum)
    np.testing.assert_equal((merged.minimum, merged.maximum), (whole.minimum, whole.maximum))


def test_merged_baselines_get_a_new_version_unless_both_were_given_the_same() -> None:
    one, other = ({"x": [0.0, value]} for value in (1.0, 2.0))
    named = [fit(part, bins=[0.5], version="v") for part in (one, other)]
    unnamed = [fit(part, bins=[0.5]) for part in (one, other)]
    assert named[0].merge(named[1]).version == "v"
    merged = unnamed[0].merge(unnamed[1])
    assert merged.version == merged.digest != unnamed[0].digest
    assert unnamed[0].merge(unnamed[0]).version != unnamed[0].version
    assert merged.rows == 4


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            {"a": [1], "b": [1]},
            {"a": [1], "c": [1]},
            "the two baselines have different variables, from feature 'c' on",
        ),
        ({"a": [1], "b": [1]}, {"a": [1]}, "one baseline has 2 variables, the other 1"),
        (
            {"a": ["x"]},
            {"a": [1.0]},
            (
                "feature 'a' is numeric in one baseline and a category in the other. Fit all parts "
                "after the first with like=, or with boxkite baseline --like"
            ),
        ),
    ],
    ids=["names", "number", "kinds"],
)
def test_baselines_of_different_variables_do_not_merge(
    one: dict[str, Any], other: dict[str, Any], message: str
) -> None:
    with pytest.raises(BaselineError) as caught:
        fit(one).merge(fit(other))
    assert str(caught.value) == message


def test_a_file_beyond_its_bounds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "histogram.prom"
    baseline = fit({"x": [1.0, 2.0]})
    baseline.write(path)
    size, series = path.stat().st_size, baseline.as_text().count("\nboxkite_")
    assert Baseline.read(path, max_bytes=size, max_series=series) == baseline
    with pytest.raises(BaselineError) as caught:
        Baseline.read(path, max_bytes=size - 1)
    assert str(caught.value) == f"{path} is larger than {size - 1:,} bytes"
    with pytest.raises(BaselineError) as caught:
        Baseline.read(path, max_series=series - 1)
    last = max(n for n, line in enumerate(path.read_text().splitlines(), 1) if line[0] != "#")
    assert str(caught.value) == f"{path}, line {last}: more than {series - 1} series"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no baseline series in it, or it is cut short"),
        (b"up 1\n", "no baseline series in it, or it is cut short"),
        (b"up 1\n\xff", "line 2: not UTF-8: invalid start byte. It is damaged, or no baseline"),
        (b"up one\n", "line 1: not a value: ' one'"),
        (
            b'up 1\nboxkite_baseline_rows{model_name="m"} 3\n\n',
            (
                "line 2: the file ends without its # BASELINE line. It was cut short, or its "
                "comments were removed: write it again with Baseline.write"
            ),
        ),
    ],
)
def test_what_is_no_baseline_is_an_error_with_file_and_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "histogram.prom"
    path.write_bytes(content)
    with pytest.raises(BaselineError) as caught:
        Baseline.read(path)
    assert str(caught.value) == f"{path}, {message}"


def test_a_thousand_variables_are_read_back(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(size=(400, 1000))
    baseline = fit(values)
    baseline.write(tmp_path / "histogram.prom")
    assert Baseline.read(tmp_path / "histogram.prom") == baseline


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "histogram.prom"
    many = fit({"a": [1.0, 2.0]}, {"p": [0.1, 0.2], "q": [0.9, 0.8]})
    many.write(path)
    with pytest.raises(BaselineError) as caught:
        many.write(path, exposition="classic")
    assert str(caught.value) == (
        "the classic exposition has room for one output, but this baseline has 2 (p, q). "
        "Use the labelled exposition"
    )
    assert Baseline.read(path) == many
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "series", ["boxkite_baseline_bin", "boxkite_baseline_value_bucket", "feature_0_value_baseline"]
)
def test_every_le_is_in_the_form_that_prometheus_gives_it(series: str) -> None:
    text = fit({"x": [1.0]}, bins=[1e-5, 12.0, 1e6, 1e16]).as_text("classic")
    bounds = re.findall(rf'^{series}.*[{{,]le="([^"]*)"', text, re.MULTILINE)
    assert bounds == ["1e-05", "12.0", "1e+06", "1e+16", "+Inf"]
