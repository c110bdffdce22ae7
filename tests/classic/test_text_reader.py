"""Reading the Prometheus text format, from any writer and from ours."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from boxkite.baseline.text_writer import Family, format_float, format_series, render
from boxkite.classic.text_reader import Comment, Sample, parse, parse_float
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
        (
            "y" * 200_000,
            f"200,000 characters, and a line may have 131,072: '{'y' * 80}'",
        ),
        (
            "# " + "y" * 200_000,
            f"200,002 characters, and a line may have 131,072: '# {'y' * 78}'",
        ),
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
