"""Pauses grow to a limit, vary, and start again after a success."""

from boxkite.system.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_vary_by_half() -> None:
    backoff = Backoff(0.2, 30.0)
    for longest in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0):
        assert longest / 2 <= backoff.next_pause() <= longest
    backoff.reset()
    assert backoff.next_pause() <= 0.2


def test_a_limit_also_shortens_the_pauses_after_it() -> None:
    backoff = Backoff(0.2, 30.0)
    for _ in range(10):
        backoff.next_pause()
    assert backoff.next_pause(at_most=0.25) <= 0.25
    assert backoff.next_pause() <= 0.5
