"""Each claim of the comparison names what proves it, and its figures are those of the record."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RECORD = (PROJECT / "docs" / "explained" / "measurements.md").read_text()
COMPARISON = (PROJECT / "docs" / "explained" / "comparison.md").read_text()
README = (PROJECT / "README.md").read_text().split("## Comparison\n")[1].split("\n## ")[0]

PROOF = re.compile(r"`((?:tests|benchmarks)/[\w/.]+)`")
FIGURE = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\d.]*\d)")


def section(anchor: str) -> str:
    """Return the text below a heading of the record, as far as the next heading of its level."""
    headings = list(re.finditer(r"^(#+) (.+)$", RECORD, re.MULTILINE))
    for number, heading in enumerate(headings):
        if re.sub(r"[^\w -]", "", heading[2].lower()).replace(" ", "-") == anchor:
            after = headings[number + 1 :]
            ends = [each.start() for each in after if len(each[1]) <= len(heading[1])]
            return RECORD[heading.end() : ends[0] if ends else len(RECORD)]
    raise AssertionError(f"measurements.md has no heading #{anchor}")


def rows(page: str) -> list[str]:
    """Return the rows of tables that claim something: those whose last cell is a proof."""
    return re.findall(r"^\|.+\| `(?:tests|benchmarks)/[^|]+\|$", page, re.MULTILINE)


CLAIMS = [*rows(COMPARISON), *rows(README)]


def test_every_row_of_a_table_of_claims_names_its_proof() -> None:
    tables = re.findall(
        r"^\| (?:claim|measured) .+\n\|[-|]+\n((?:\|.+\n)+)", COMPARISON + README, re.MULTILINE
    )
    assert [row for table in tables for row in table.splitlines()] == CLAIMS
    assert len(CLAIMS) > 30


@pytest.mark.parametrize("proof", sorted(set(PROOF.findall(" ".join(CLAIMS)))))
def test_the_proof_exists(proof: str) -> None:
    path = PROJECT / proof
    assert path.is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("row", CLAIMS, ids=range(len(CLAIMS)))
def test_the_figures_of_a_row_are_in_the_section_that_it_links(row: str) -> None:
    text = "".join(section(anchor) for anchor in re.findall(r"measurements\.md#([\w-]+)\)", row))
    words = re.sub(r"\]\([^)]*\)|`[^`]*`|0\.0\.5", "", row)
    missing = set(FIGURE.findall(words)) - set(FIGURE.findall(text))
    assert missing == set()
