"""How a baseline and a comparison show themselves in a notebook."""

from html.parser import HTMLParser

import numpy as np

from boxkite import Baseline, Comparison, compare

HOSTILE = "<script>alert(1)</script>\x1b"
ROWS = {"x": np.arange(1000.0), HOSTILE: ["a", "b"] * 500}
BASELINE = Baseline.fit(ROWS, model="<m>", version="7")


class Reader(HTMLParser):
    """Tags that were opened, and the text of each cell without what a pointer on it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.titles: list[str] = []
        self._titled = False
        self.feed(text)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        self._titled = tag == "title"

    def handle_endtag(self, _: str) -> None:
        self._titled = False

    def handle_data(self, data: str) -> None:
        if self._titled:
            self.titles.append(data)
        elif self.cells:
            self.cells[-1] += data


TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
TAGS = TABLE | {"div", "style", "p", "svg", "g", "title", "path", "rect"}


def test_a_baseline_shows_its_variables() -> None:
    shown = Reader(BASELINE._repr_html_())
    assert shown.tags == TAGS
    assert shown.cells == [
        "variable", "role", "kind", "missing", "training",
        "x", "feature", "numeric", "0", "",
        HOSTILE, "feature", "category", "0", "",
    ]  # fmt: skip
    assert shown.titles[-3:] == [
        "a: training 50 %", "b: training 50 %", "__unseen__: training 0 %",
    ]  # fmt: skip
    assert "Baseline of model &lt;m&gt;, version 7, 1,000 rows" in BASELINE._repr_html_()


def test_a_comparison_shows_drifted_variables_first() -> None:
    comparison = compare(BASELINE, {**ROWS, HOSTILE: ["b"] * 1000})
    shown = Reader(comparison._repr_html_())
    x, category = comparison
    numbers = [f"{value:.4g}" for value in (x.psi, x.critical, x.ks, x.ks_critical)]
    assert shown.tags == TAGS
    assert shown.cells == [
        "variable", "verdict", "severity", "what changed", "PSI", "threshold", "K-S", "threshold",
        "training (grey) and live",
        HOSTILE, "drift", "critical",
        "100 % of rows are 'b' (50 % at training), 0 % are 'a' (50 %)",
        f"{category.psi:.4g}", f"{category.critical:.4g}", "-", "-", "",
        "x", "ok", "", "", *numbers, "",
    ]  # fmt: skip
    assert shown.titles[:2] == ["b: training 50 %, live 100 %", "a: training 50 %, live 0 %"]


def test_a_missing_statistic_is_a_dash() -> None:
    shown = Reader(compare(BASELINE, {"x": ROWS["x"]})._repr_html_())
    changed = "the column is absent, so 100 % of rows have no value (0 % at training)"
    assert shown.cells[9:18] == [
        HOSTILE, "changed rate", "critical", changed, "-", "-", "-", "-", "",
    ]  # fmt: skip


def test_the_title_says_how_many_variables_changed_and_how_urgent_it_is() -> None:
    calm, absent = compare(BASELINE, ROWS), compare(BASELINE, {"x": ROWS["x"]})
    assert "<p>2 ok. Model &lt;m&gt;, 1,000 rows</p>" in calm._repr_html_()
    title = "<p>critical: 1 changed rate, 1 ok. Model &lt;m&gt;, 1,000 rows</p>"
    assert title in absent._repr_html_()
    few = Reader(compare(BASELINE, {name: each[:3] for name, each in ROWS.items()})._repr_html_())
    assert "3 rows, 100 needed" in few.cells


def test_the_first_of_many_variables_are_shown_and_the_others_counted() -> None:
    baseline = Baseline.fit({f"x{i}": [1.0, 2.0] for i in range(1000)})
    shown = baseline._repr_html_()
    assert shown.count("<svg") == 50
    assert shown.endswith("<p>and 950 more variables</p></div>")
    assert len(shown) < 50_000


def test_a_comparison_without_counts_shows_its_numbers() -> None:
    shown = Comparison("m", "7", 0, tuple(compare(BASELINE, ROWS)))._repr_html_()
    assert len(Reader(shown).cells) == 9 + 2 * 8


def test_a_comparison_lists_its_segments_with_the_worst_first() -> None:
    carrier = np.array(["<b>", "DL", "UA"])[np.arange(1500) % 3]
    rows = {"x": np.arange(1500.0), "carrier": carrier}
    baseline = Baseline.fit(rows, bins=5, segments=["carrier"])
    late = {**rows, "x": np.where(carrier == "DL", 1400.0, rows["x"])}
    shown = compare(baseline, late)._repr_html_()
    table = Reader(shown[shown.index("Segments, the largest change first") :])
    worst = compare(baseline, late).segments["carrier=DL"].worst
    assert worst is not None
    # Segments for rarer and for missing values exist too, but have no rows.
    assert table.cells == [
        "segment", "verdict", "severity", "largest change", "rows",
        "carrier=DL", "drift", "critical", f"x: {worst.findings[0]}", "500",
        "carrier=<b>", "ok", "", "", "500",
        "carrier=UA", "ok", "", "", "500",
    ]  # fmt: skip
    assert "<b>" not in shown
    assert "Segments" not in compare(baseline, late, segments=())._repr_html_()
