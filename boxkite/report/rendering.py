"""Renders the drift page and the report file as HTML."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from boxkite.drawing.svg import percent
from boxkite.errors import ConfigError
from boxkite.report.charts import distribution, labels, meter, meter_top, sparkline
from boxkite.report.drift_report import Choice, Report
from boxkite.report.variable_card import VERDICT_WORDS, Card
from boxkite.system.cooperation import cooperatively

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "QualitySection",
    "asset",
    "check_installed",
    "page_html",
    "quality_report_html",
    "report_html",
]

_STEP = 50  # further cards per click on "Show more"
_WORST_SHOWN = 10  # segments in the list of the page; the form has all of them
_OF_JSON = ("window", "model", "segment")


class QualitySection(NamedTuple):
    """The model's quality on the drift page or in a report.

    Attributes:
        html: Tables and charts, from `boxkite.quality.quality_html`.
        words: The verdict in words, for the link at the top.
        tone: What the link is coloured by, as in `Report.tone`.
        lines: Remarks below the tables.
    """

    html: str
    words: str
    tone: str
    lines: Sequence[str] = ()


def page_html(
    report: Report,
    choice: Choice,
    *,
    base: str,
    window: str,
    windows: Sequence[tuple[str, str]],
    models: Sequence[str] = (),
    segments: Sequence[str] = (),
    quality: QualitySection | None = None,
) -> bytes:
    """Return the drift page in UTF-8. Half of a surrogate pair becomes a question mark.

    Args:
        report: Report on the window that is shown.
        choice: Cards to show.
        base: Path of the page, without a slash at its end.
        window: Name of the window that is shown.
        windows: Name and text of each window to choose from.
        models: Names of the models to choose from.
        segments: Labels of the segments to choose from.
        quality: The model's quality; None if it is not known.
    """
    found = report.chosen(choice)
    asked = {
        "window": window,
        "segment": report.segment,
        "q": choice.text,
        "role": choice.role,
        "verdict": choice.verdict,
        "model": report.comparison.model if len(models) > 1 else "",
    }

    def link(**more: Any) -> str:
        return f"{base}?{urlencode({k: v for k, v in (asked | more).items() if v})}"

    def link_of_card(card: Card) -> str:
        return link(variable=card.anchor)

    def link_of_verdict(verdict: str) -> str:
        return link(verdict=verdict)

    def link_of_segment(label: str) -> str:
        return link(segment=label, verdict="")

    return _render_in_steps(
        "page.html",
        report=report,
        cards=found[: choice.limit],
        found=len(found),
        more=link(limit=choice.limit + _STEP) if len(found) > choice.limit else "",
        all=link(),
        link=link_of_card,
        verdicts=link_of_verdict,
        link_segment=link_of_segment,
        worst=report.segments[:_WORST_SHOWN],
        json=f"{base}/drift.json?{urlencode({k: asked[k] for k in _OF_JSON if asked[k]})}",
        alone=bool(choice.variable),
        choice=choice,
        base=base,
        window=window,
        windows=windows,
        models=models,
        segments=segments,
        hours=report.hours,
        quality=_rendered(quality),
    )


def report_html(report: Report, quality: QualitySection | None = None) -> str:
    """Return a report with all its cards as one self-contained file.

    Args:
        report: Report on the rows.
        quality: The quality of the model in these rows; None if it is not known.

    Raises:
        ConfigError: If Jinja is not installed.
    """
    check_installed()
    return _render(
        "report.html",
        report=report,
        cards=report.cards,
        worst=report.segments,
        hours=report.hours,
        quality=_rendered(quality),
        style=_markup(asset("style.css")),
    )


def quality_report_html(model: str, version: str, quality: str, lines: Sequence[str]) -> str:
    """Return a report on quality as one self-contained file.

    Args:
        model: Name of the model.
        version: Version of the model.
        quality: Quality as HTML, from `boxkite.quality.quality_html`.
        lines: Remarks below it.

    Raises:
        ConfigError: If Jinja is not installed.
    """
    return _render(
        "quality.html",
        model=model,
        version=version,
        quality=_markup(quality),
        lines=lines,
        style=_markup(asset("style.css")),
    )


def asset(name: str) -> str:
    """Return the text of a file that the page refers to, such as `style.css`."""
    return resources.files("boxkite.report").joinpath("templates", name).read_text("utf-8")


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


def _render_in_steps(template: str, **values: Any) -> bytes:
    """Return a rendered template, and let other threads run meanwhile.

    Joining all parts at once would block them: a page of a thousand cards has half a million parts.
    """
    content = BytesIO()
    for part in cooperatively(_environment().get_template(template).generate(**values)):
        content.write(part.encode("utf-8", "replace"))
    return content.getvalue()


def check_installed() -> None:
    """Check that pages can be rendered.

    Raises:
        ConfigError: If Jinja is not installed.
    """
    _environment()


@functools.cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, PackageLoader
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the drift page and reports need Jinja: pip install 'boxkite[report]'"
        ) from error
    made = Environment(
        loader=PackageLoader("boxkite.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(_FUNCTIONS)
    return made


def _rendered(quality: QualitySection | None) -> QualitySection | None:
    return quality and quality._replace(html=_markup(quality.html))


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


_NOTHING = "\N{EN DASH}"


def _number(value: float) -> str:
    if math.isnan(value):
        return _NOTHING
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _period(since: datetime, until: datetime) -> str:
    """Return a period of time, with the date only once if both ends are on one day."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"from {first:%Y-%m-%d %H:%M} to {end} UTC"


def _drawn(draw: Callable[..., str]) -> Callable[..., Any]:
    """Wrap a function that draws SVG, so that Jinja does not escape its result again."""
    return lambda *values: _markup(draw(*values))  # `draw` escapes names itself


_FUNCTIONS: Mapping[str, Any] = {
    "number": _number,
    "percent": percent,
    "moment": _moment,
    "period": _period,
    "verdict_words": VERDICT_WORDS,
    "distribution": _drawn(distribution),
    "labels": _drawn(labels),
    "meter": _drawn(meter),
    "meter_top": meter_top,
    "sparkline": _drawn(sparkline),
}
