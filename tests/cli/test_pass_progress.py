"""The bar of each pass counts the columns that its queries answered."""

import io

import narwhals as nw
import polars as pl
from rich.console import Console
from rich.progress import Progress

from boxkite import Baseline
from boxkite.cli.console import PassProgress
from boxkite.cli.inputs import watched


class Recorder:
    """Records what it is told."""

    def __init__(self) -> None:
        self.passes: list[list[int]] = []

    def begin_pass(self, questions: int) -> None:
        self.passes.append([questions])

    def advance(self, questions: int) -> None:
        self.passes[-1].append(questions)


def test_the_queries_of_a_pass_answer_all_its_questions() -> None:
    recorder = Recorder()
    columns = {f"x{number}": [number + i / 7 for i in range(100)] for number in range(20)}
    frame = pl.DataFrame({**columns, "label": ["a", "b"] * 50})
    baseline = Baseline.fit(watched(nw.from_native(frame.lazy()), recorder))
    assert baseline == Baseline.fit(frame)
    # At most sixteen columns share one query, and labels have a query of their own.
    assert recorder.passes[0] == [21, 16, 4, 1]
    assert len(recorder.passes) > 1
    for questions, *answered in recorder.passes:
        assert sum(answered) == questions


def test_the_bar_starts_again_with_each_pass() -> None:
    with Progress(console=Console(file=io.StringIO()), disable=True) as progress:
        bar = PassProgress(progress, "counting")
        (task,) = progress.tasks
        assert (task.description, task.total) == ("counting", None)
        bar.begin_pass(21)
        bar.advance(16)
        assert (task.description, task.completed, task.total) == ("counting, pass 1", 16, 21)
        assert task.fields["counted"] == "16 of 21 columns"
        bar.begin_pass(3)
        assert (task.description, task.completed, task.total) == ("counting, pass 2", 0, 3)
        assert task.fields["counted"] == "0 of 3 columns"
