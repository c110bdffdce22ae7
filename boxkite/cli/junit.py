"""Writes a comparison as JUnit XML, which CI systems show as test results."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from boxkite.drawing.printable import one_line
from boxkite.drift import Comparison, VariableDrift

__all__ = ["junit_xml"]


def junit_xml(comparison: Comparison) -> bytes:
    """Return a test suite with one test case per variable, in all rows and in each segment.

    A variable that drifted or has a changed rate is a failure. One with too little data for a
    verdict is skipped, with the reason.
    """
    cases = [("", each) for each in comparison]
    cases += [(label, each) for label, part in comparison.segments.items() for each in part]
    failures = sum(each.has_changed for _, each in cases)
    skipped = sum(each.verdict == "insufficient" and not each.has_changed for _, each in cases)
    suite = ET.Element(
        "testsuite",
        name=one_line(f"drift of {comparison.model} {comparison.version}"),
        tests=str(len(cases)),
        failures=str(failures),
        errors="0",
        skipped=str(skipped),
    )
    for segment, each in cases:
        suite.append(_case(segment, each))
    ET.indent(suite)
    content: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _case(segment: str, drift: VariableDrift) -> ET.Element:
    # Names may contain characters that are illegal in XML; `one_line` escapes them.
    classname = f"{drift.role} in {segment}" if segment else drift.role
    case = ET.Element("testcase", classname=one_line(classname), name=one_line(drift.name))
    if drift.has_changed:
        failure = ET.SubElement(case, "failure", type=drift.severity, message=_reason(drift))
        failure.text = f"{drift.rows:,} rows, {drift.missing:,} missing, {drift.invalid:,} invalid"
    elif drift.verdict == "insufficient":
        ET.SubElement(case, "skipped", message=f"not enough data: {drift.reason}")
    elif drift.below_floor:
        ET.SubElement(case, "system-out").text = drift.below_floor
    return case


def _reason(drift: VariableDrift) -> str:
    """Return what changed; if it drifted, also its statistics with their critical values."""
    if drift.verdict != "drift":
        return "; ".join(drift.rate_changes)
    statistics = ", ".join(
        f"{name} {value:.4g} is {'above' if name in drift.above else 'below'} "
        f"its critical value {threshold:.4g}"
        for name, (value, threshold) in drift.tests.items()
        if not math.isnan(threshold)
    )
    return "; ".join([drift.effect, *drift.rate_changes, statistics])
