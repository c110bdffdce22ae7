"""The Prometheus text format, written and read."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from boxkite.baseline.text_format import (
    Comment,
    Family,
    Sample,
    format_float,
    format_series,
    parse,
    parse_float,
    render,
)
from boxkite.errors import BaselineError

NAMES = [
    "plain",
    "",
    'quo"te',
    "new\nline",
    "carriage\rreturn",
    "back\\slash",
    "trailing\\",
    "\\n",
    "emoji 🪁",
    "a:b{c}=d,e",
    "\u2028\x85\x0b\x0c\x1c",
    "# HELP",
    " spaces ",
]
HISTOGRAM = Family(
    "h",
    "histogram",
    "Help.",
    ['h_bucket{le="1.0"}', 'h_bucket{le="+Inf"}', "h_sum", "h_count"],
    [1, 3, 4.5, 3],
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (100000.0, "100000.0"),
        (999999.5, "999999.5"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (-2500000.0, "-2.5e+06"),
        (123456789.5, "1.234567895e+08"),
        (12345678901.0, "1.2345678901e+10"),
        (1e15, "1e+15"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (0.0001, "0.0001"),
        (0.00012, "0.00012"),
        (1e-5, "1e-05"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_floats_are_written_in_the_canonical_form_of_go(value: float, text: str) -> None:
    assert format_float(value) == text


@given(st.floats())
def test_a_float_written_is_read_back_the_same(value: float) -> None:
    assert repr(parse_float(format_float(value))) == repr(value).replace("-nan", "nan")


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1_0", "infinity", "nan", "0x1", "\N{ARABIC-INDIC DIGIT ONE}", "1e", ".", "1 2"],
)
def test_what_only_python_takes_for_a_float_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a number: "):
        parse_float(text)


@pytest.mark.parametrize("name", NAMES)
def test_any_label_is_read_back_by_us_and_by_prometheus_client(name: str) -> None:
    text = render([Family("m", "gauge", "Help.", [format_series("m", a=name, b="x")], [2])])
    assert list(parse(text.split("\n"), max_series=1))[2:] == [
        Sample("m", {"a": name, "b": "x"}, 2.0, 3)
    ]
    (family,) = openmetrics(render([_family_of(name)], openmetrics=True) + "# EOF\n")
    assert [sample.labels for sample in family.samples] == [{"a": name}]


def _family_of(name: str) -> Family:
    return Family("m", "gauge", name, [format_series("m", a=name)], [2])


@given(st.text(), st.text())
def test_any_text_is_read_back_as_a_label_and_as_help(label: str, documentation: str) -> None:
    family = Family("m", "gauge", documentation, [format_series("m", a=label)], [1])
    help_line, _, sample = parse(render([family]).split("\n"), max_series=1)
    assert help_line == Comment("HELP", "m", documentation, 1)
    assert sample == Sample("m", {"a": label}, 1.0, 3)


@pytest.mark.parametrize(
    ("family", "text", "in_openmetrics"),
    [
        (
            Family("c", "counter", 'A "b" \\ \n.', ["c_total"], [1]),
            '# HELP c_total A "b" \\\\ \\n.\n# TYPE c_total counter\nc_total 1\n',
            '# HELP c A \\"b\\" \\\\ \\n.\n# TYPE c counter\nc_total 1\n',
        ),
        (
            Family("i", "info", "I.", ['i_info{v="1"}'], [1]),
            '# HELP i_info I.\n# TYPE i_info gauge\ni_info{v="1"} 1\n',
            '# HELP i I.\n# TYPE i info\ni_info{v="1"} 1\n',
        ),
        (
            Family("u", "unknown", "U.", ["u"], [0.5]),
            "# HELP u U.\n# TYPE u untyped\nu 0.5\n",
            "# HELP u U.\n# TYPE u unknown\nu 0.5\n",
        ),
        (Family("none", "gauge", "N.", [], []), "", ""),
    ],
    ids=["counter", "info", "unknown", "without series"],
)
def test_families_are_written_in_both_formats(
    family: Family, text: str, in_openmetrics: str
) -> None:
    assert render([family]) == text
    assert render([family], openmetrics=True) == in_openmetrics


def test_a_histogram_is_read_by_prometheus_client_in_both_formats() -> None:
    (plain,) = prometheus_text(render([HISTOGRAM]))
    (strict,) = openmetrics(render([HISTOGRAM], openmetrics=True) + "# EOF\n")
    assert plain.type == strict.type == "histogram"
    assert plain.samples == strict.samples


@pytest.mark.parametrize(
    ("bucket", "types"),
    [
        ('h_bucket{le="-1.0"}', ["unknown", "unknown", "unknown"]),
        ('h_bucket{v="x",le="-1.0"}', ["unknown", "unknown", "unknown"]),
        ('h_bucket{v="le=\\"-1",le="1.0"}', ["histogram"]),
        ('h_bucket{variable="-1",le="1.0"}', ["histogram"]),
    ],
)
def test_a_histogram_of_negative_edges_is_untyped_in_openmetrics(
    bucket: str, types: list[str]
) -> None:
    family = Family("h", "histogram", "H.", [bucket, "h_sum", "h_count"], [1, 2.0, 1])
    text = render([family], openmetrics=True)
    assert [line.split()[3] for line in text.splitlines() if "# TYPE" in line] == types


@pytest.mark.parametrize(
    ("names", "series"),
    [
        ({"h"}, HISTOGRAM.series),
        ({"h_sum"}, ["h_sum"]),
        ({"h_bucket", "h_count"}, ['h_bucket{le="1.0"}', 'h_bucket{le="+Inf"}', "h_count"]),
        ({"other"}, []),
    ],
)
def test_a_family_is_cut_down_to_the_names_asked_for(names: set[str], series: list[str]) -> None:
    kept = HISTOGRAM.only(names)
    expected = dict(zip(HISTOGRAM.series, HISTOGRAM.values, strict=True))
    assert kept.series == series
    assert kept.values == [expected[name] for name in series]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1up 1", "not a sample: '1up 1'"),
        ("up", "not a value: ' '"),
        ("up x", "not a value: ' x'"),
        ("up 1 1700000000000", "not a value: ' 1 1700000000000'"),
        ('up{a="b"}1', "not a value: '1'"),
        ('up{a="b"', 'not a list of labels: {a="b"'),
        ('up{a="b\\t"} 1', 'not a list of labels: {a="b\\t"} 1'),
        ('up{a="b",a="c"} 1', 'not a list of labels: {a="b",a="c"} 1'),
        ('up{a="b"c="d"} 1', 'not a list of labels: {a="b"c="d"} 1'),
    ],
)
def test_a_line_that_is_no_sample_is_an_error_with_its_number(line: str, message: str) -> None:
    with pytest.raises(BaselineError) as caught:
        list(parse(["", "# a comment", line], max_series=9))
    assert str(caught.value) == f"line 3: {message}"


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("up 1\r", Sample("up", {}, 1.0, 1)),
        ("up{} \t+Inf ", Sample("up", {}, math.inf, 1)),
        ('up{a="b",} 1e+06', Sample("up", {"a": "b"}, 1e6, 1)),
        ("#", Comment("", "", "", 1)),
        ("# EOF", Comment("EOF", "", "", 1)),
    ],
)
def test_the_freedoms_of_the_format_are_taken(line: str, item: Any) -> None:
    assert list(parse([line], max_series=1)) == [item]


def test_more_series_than_allowed_are_an_error() -> None:
    with pytest.raises(BaselineError) as caught:
        list(parse(["up 1", "up 2", "up 3"], max_series=2))
    assert str(caught.value) == "line 3: more than 2 series"


SHARED = 'm{a="1",b="2",'
PLAIN = 'c="3",d="4"} 5'


@pytest.mark.parametrize(
    "end",
    [
        PLAIN,
        'c="x}y",d="a,b=c"} -Inf',
        'c="\\\\",d="\\"q\\"\\n"} 1e+06',
        'c="3"} 5',
        'c="3",d="4",e="5"} 5',
        'c="3",d="4",}\t5 \r',
        'a="3",d="4"} 5',
        'c="3",b="4"} 5',
        'c="3",c="4"} 5',
        'c="3",d="4"}5',
        'c="3",d="4"} 5 6',
        'c="3",d="4"} 0x1',
        'c="3" d="4"} 5',
        'c="3",d="4',
        "} 5",
        "",
    ],
)
def test_a_line_reads_the_same_behind_another_that_begins_alike(end: str) -> None:
    line = SHARED + end
    assert read_or_said([SHARED + PLAIN, line]) == read_or_said(["other 1", line])


def read_or_said(lines: list[str]) -> Any:
    """Return the last item, or what the error says."""
    try:
        return list(parse(lines, max_series=9))[-1]
    except BaselineError as error:
        return str(error)
