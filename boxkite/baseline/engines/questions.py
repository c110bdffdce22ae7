"""Asks an engine the questions of several columns in one query.

Code that counts a column runs as if it had all answers. If it lacks an answer, it raises
`Unanswered` with the question. `settle` collects the questions of all columns, asks them in a few
queries, and runs the code again. So the code contains no queries, and a wide table needs a few
queries instead of several for each column.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar

import narwhals as nw

__all__ = ["QUESTION", "Engine", "NoProgress", "Progress", "Question", "Unanswered", "settle"]

T = TypeVar("T")

QUESTION = "question"
"""Name of the column that tells the answers of one query apart."""

# The engine scans the columns of each question, and keeps its result until the query is done.
_QUESTIONS_A_QUERY = 16


class Progress(Protocol):
    """Shows how far the engine is in the current pass over the data."""

    def begin_pass(self, questions: int) -> None:
        """Begin a pass that answers so many questions, at most one for each column."""
        ...

    def advance(self, questions: int) -> None:
        """Count more questions of this pass as answered."""
        ...


class NoProgress:
    """Shows nothing."""

    def begin_pass(self, questions: int) -> None:
        """Do nothing."""

    def advance(self, questions: int) -> None:
        """Do nothing."""


class Engine(Protocol):
    """Runs queries."""

    @property
    def progress(self) -> Progress:
        """The display that is told about each query."""
        ...

    def collect(self, query: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
        """Run a query and return its rows."""
        ...


class Question(Protocol):
    """A query, and the object that takes its answer."""

    @property
    def engine(self) -> Engine:
        """The engine that knows the answer."""
        ...

    @property
    def form(self) -> Hashable:
        """Names and types of the columns of the query. Queries of one form can run together."""
        ...

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        ...

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the rows of the query.

        Raises:
            BaselineError: if the rows contradict an earlier answer.
        """
        ...


class Unanswered(Exception):  # noqa: N818 - not an error, but a request
    """Raised by code that needs an answer first."""

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question


def settle(work: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of functions that may raise `Unanswered`.

    Each runs again until it has all answers.
    """
    results: dict[int, T] = {}
    while len(results) < len(work):
        questions: list[Question] = []
        for number, function in enumerate(work):
            if number in results:
                continue
            try:
                results[number] = function()
            except Unanswered as missing:
                questions.append(missing.question)
        _ask(questions)
    return [results[number] for number in range(len(work))]


def _ask(questions: Sequence[Question]) -> None:
    alike: defaultdict[tuple[int, Hashable], list[Question]] = defaultdict(list)
    for progress, number in Counter(question.engine.progress for question in questions).items():
        progress.begin_pass(number)
    for question in questions:
        alike[id(question.engine), question.form].append(question)
    for group in alike.values():
        for start in range(0, len(group), _QUESTIONS_A_QUERY):
            _ask_together(group[start : start + _QUESTIONS_A_QUERY])


def _ask_together(questions: Sequence[Question]) -> None:
    """Ask questions of one form in one query."""
    queries = [
        question.query().with_columns(nw.lit(number, nw.Int64).alias(QUESTION))
        for number, question in enumerate(questions)
    ]
    rows = questions[0].engine.collect(nw.concat(queries) if len(queries) > 1 else queries[0])
    for number, question in enumerate(questions):
        question.answer(rows.filter(nw.col(QUESTION) == number))
    questions[0].engine.progress.advance(len(questions))
