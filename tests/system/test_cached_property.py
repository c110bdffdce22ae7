"""Attributes that are computed once: whatever happens meanwhile, nothing waits."""

import os
import signal
import threading

import pytest

from boxkite.system.cached_property import cached_property


class Doubled:
    def __init__(self, number: int) -> None:
        self.number = number
        self.computed = 0

    @cached_property
    def value(self) -> int:
        """Twice the number."""
        self.computed += 1
        return 2 * self.number


def test_a_value_is_computed_once_for_each_object() -> None:
    three, four = Doubled(3), Doubled(4)
    assert [three.value, four.value, three.value] == [6, 8, 6]
    assert (three.computed, four.computed) == (1, 1)


def test_the_class_has_the_documentation() -> None:
    assert Doubled.value.__doc__ == "Twice the number."


def test_a_value_that_cannot_be_computed_is_computed_again() -> None:
    class Failing:
        failures = 1

        @cached_property
        def value(self) -> int:
            if self.failures:
                self.failures -= 1
                raise OSError("once")
            return 1

    failing = Failing()
    with pytest.raises(OSError, match="once"):
        _ = failing.value
    assert failing.value == 1


def test_a_process_that_was_forked_during_the_computation_computes_the_value() -> None:
    class Slow:
        def __init__(self) -> None:
            self.begun, self.may_end = threading.Event(), threading.Event()

        @cached_property
        def value(self) -> int:
            self.begun.set()
            self.may_end.wait(60)
            return 1

    slow, other = Slow(), Slow()
    other.may_end.set()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.begun.wait(60)
    child = os.fork()
    if not child:
        signal.alarm(60)  # ends it if it hangs
        os._exit(other.value)
    _, status = os.waitpid(child, 0)
    slow.may_end.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 1
