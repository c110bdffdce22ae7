"""Writing the Prometheus text format."""

import math

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from boxkite.baseline.text_writer import Family, format_float, render

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
