"""The page of each answer says what the answer says."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
ROWS = re.findall(
    r"^\| ([^-].+?) \| (.+) \| \[.+\]\(([^)#]+)(?:#[^)]+)?\) \|$",
    (DOCS / "questions.md").read_text(),
    re.MULTILINE,
)


def test_there_are_fifteen() -> None:
    assert len(ROWS) == 15


@pytest.mark.parametrize(("question", "answer", "page"), ROWS, ids=range(len(ROWS)))
def test_figures_and_code_of_an_answer_are_on_its_page(
    question: str, answer: str, page: str
) -> None:
    text = (DOCS / page).read_text()
    named = re.findall(r"\b\d+\b|(?<=`)[A-Za-z_]+|--[a-z]+", answer)
    assert (question, [each for each in named if each not in text]) == (question, [])
