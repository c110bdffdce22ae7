"""Receivers are called one by one; none can disturb the others or the sender."""

from typing import Any

import pytest
from blinker import Signal

from boxkite.error_reporter import ErrorReporter
from boxkite.signals import EventSender


def events(sender: str, reporter: ErrorReporter | None = None) -> EventSender:
    return EventSender("monitor", lambda: sender, reporter or ErrorReporter())


def test_each_receiver_is_called_with_the_sender_and_the_values() -> None:
    signal, told = Signal(), []

    def of_all(sender: Any, **values: Any) -> None:
        told.append(("all", sender, values))

    def of_one(sender: Any, **values: Any) -> None:
        told.append(("one", sender, values))

    signal.connect(of_all)
    signal.connect(of_one, sender="a")
    events("a")._send(signal, value=1)
    events("b")._send(signal, value=2)
    assert sorted(told) == [
        ("all", "a", {"monitor": "monitor", "value": 1}),
        ("all", "b", {"monitor": "monitor", "value": 2}),
        ("one", "a", {"monitor": "monitor", "value": 1}),
    ]


def test_a_receiver_that_fails_or_is_async_is_reported_and_the_others_are_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signal, reporter, told = Signal(), ErrorReporter(), []

    class Failing:
        def __call__(self, _: Any, **__: Any) -> None:
            raise RuntimeError("no")

        def __repr__(self) -> str:
            raise RuntimeError("no text")

    async def waiting(_: Any, **__: Any) -> None: ...

    def receiver(sender: Any, **_: Any) -> None:
        told.append(sender)

    receivers = [Failing(), waiting, receiver]
    for each in receivers:
        signal.connect(each)
    events("a", reporter)._send(signal)
    assert (told, reporter.counts()["signal"], len(caplog.records)) == (["a"], 2, 1)


def test_a_muted_signal_calls_nobody() -> None:
    signal, told = Signal(), []

    def receiver(sender: Any, **_: Any) -> None:
        told.append(sender)

    signal.connect(receiver)
    with signal.muted():
        events("a")._send(signal)
    assert told == []
