"""Test the sender: every event is acknowledged once, memory is bounded, `append` never blocks."""

import os
import socket
import subprocess
import sys
import threading

import msgpack
import pytest

from boxkite.classic.fluentd_sender import FluentdSender
from boxkite.logs.forward import event


def numbered(number):
    return event(number * 1_000_000_000, {"n": number}, nanoseconds=False)


def numbers(receiver):
    return [record["n"] for _, _, record in receiver.entries]


@pytest.fixture
def silent_port():
    """A port that accepts connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_burst_arrives_whole_and_in_order(receiver):
    sender = FluentdSender("models", "127.0.0.1", receiver.port)
    for number in range(5000):
        sender.append(numbered(number))
    assert sender.flush(60)
    assert numbers(receiver) == list(range(5000))
    assert (sender.sent, sender.dropped, sender.pending) == (5000, 0, 0)
    sender.close()


def test_a_receiver_that_comes_late_gets_everything(closed_port, start_receiver):
    sender = FluentdSender("models", "127.0.0.1", closed_port)
    for number in range(500):
        sender.append(numbered(number))
    assert not sender.flush(0.3)
    late = start_receiver(port=closed_port)
    assert sender.flush(60)
    assert numbers(late) == list(range(500))
    assert sender.dropped == 0
    sender.close()


def test_events_that_a_lost_connection_took_are_sent_again(start_receiver):
    receiver = start_receiver(refuses=2)
    sender = FluentdSender("models", "127.0.0.1", receiver.port)
    for number in range(10):
        sender.append(numbered(number))
    assert sender.flush(60)
    assert numbers(receiver) == list(range(10))
    sender.close()


def test_events_that_are_not_acknowledged_are_sent_again(start_receiver):
    receiver = start_receiver(acknowledges=0)
    sender = FluentdSender("models", "127.0.0.1", receiver.port, timeout=0.1)
    sender.append(numbered(7))
    receiver.wait_for(2)
    assert sender.pending == 1
    receiver.acknowledges = 100
    assert sender.flush(60)
    assert set(numbers(receiver)) == {7}
    assert sender.sent == 1
    sender.close()


def test_the_oldest_is_dropped_for_one_more(closed_port, caplog, start_receiver):
    sender = FluentdSender("models", "127.0.0.1", closed_port, max_records=3)
    for number in range(10):
        sender.append(numbered(number))
    assert (sender.pending, sender.dropped) == (3, 7)
    late = start_receiver(port=closed_port)
    assert sender.flush(60)
    assert numbers(late) == [7, 8, 9]
    assert (sender.sent, sender.dropped, sender.pending) == (3, 7, 0)
    assert len(caplog.messages) == 1
    sender.close()


def test_the_bytes_that_wait_are_bounded(closed_port):
    size = len(numbered(100))
    sender = FluentdSender("models", "127.0.0.1", closed_port, max_bytes=5 * size)
    for number in range(100, 110):
        sender.append(numbered(number))
    assert (sender.pending, sender.dropped) == (5, 5)
    sender.append(b"x" * (5 * size + 1))
    assert (sender.pending, sender.dropped) == (5, 6)
    sender.close(timeout=0)


def test_a_dropped_event_is_handed_over_and_an_error_of_the_handler_is_not_raised(closed_port):
    dropped = []

    def keep(content):
        dropped.append(msgpack.unpackb(content))
        raise ValueError("no room")

    sender = FluentdSender("models", "127.0.0.1", closed_port, max_records=1, on_drop=keep)
    for number in range(3):
        sender.append(numbered(number))
    sender.close(timeout=0)
    assert dropped == [["models", number, {"n": number}] for number in range(3)]


def test_close_sends_what_waits(receiver):
    sender = FluentdSender("models", "127.0.0.1", receiver.port)
    for number in range(3000):
        sender.append(numbered(number))
    sender.close(timeout=60)
    assert numbers(receiver) == list(range(3000))
    sender.close()
    sender.append(numbered(3000))
    assert (sender.sent, sender.dropped, sender.pending) == (3000, 1, 0)


def test_close_gives_up_a_receiver_that_reads_nothing(silent_port):
    sender = FluentdSender("models", "127.0.0.1", silent_port, timeout=600)
    for number in range(100):
        sender.append(numbered(number))
    sender.close(timeout=0.2)
    assert (sender.sent, sender.dropped, sender.pending) == (0, 100, 0)


def test_there_is_no_thread_before_the_first_event(receiver):
    before = threading.enumerate()
    sender = FluentdSender("models", "127.0.0.1", receiver.port)
    assert threading.enumerate() == before
    sender.append(numbered(1))
    assert {each.name for each in threading.enumerate()} >= {"boxkite-fluentd"}
    sender.close()


FORK = """
import os, sys
from boxkite.classic.fluentd_sender import FluentdSender
from boxkite.logs.forward import event
sender = FluentdSender("models", "127.0.0.1", int(sys.argv[1]))
sender.append(event(0, {"n": "before"}))
sender.flush(60)
sender.append(event(0, {"n": "parent"}))
child = os.fork()
if child == 0:
    sender.append(event(0, {"n": "child"}))
    os._exit(0 if sender.flush(60) and sender.sent == 1 else 1)
status = os.waitpid(child, 0)[1]
sender.close(60)
sys.exit(status or sender.sent != 2)
"""


def test_a_forked_process_sends_its_own_events(receiver):
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(receiver.port)], check=True, env=os.environ
    )
    assert sorted(numbers(receiver)) == ["before", "child", "parent"]


EXIT = """
import sys
from boxkite.classic.fluentd_sender import FluentdSender
from boxkite.logs.forward import event
sender = FluentdSender("models", "127.0.0.1", int(sys.argv[1]))
for number in range(10):
    sender.append(event(0, {"n": number}))
"""


def test_a_process_that_ends_sends_what_waits(receiver):
    subprocess.run([sys.executable, "-c", EXIT, str(receiver.port)], check=True)
    assert numbers(receiver) == list(range(10))
