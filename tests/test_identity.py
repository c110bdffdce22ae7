"""Identities: unique, of the form that others parse, and not repeated in a forked process."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from boxkite.identity import Identity

COUNT = 1000


def entity_ids(count: int) -> list[str]:
    return [Identity.new("server").entity_id for _ in range(count)]


def test_an_entity_id_is_a_random_uuid_in_its_canonical_form() -> None:
    read = [uuid.UUID(text) for text in entity_ids(COUNT)]
    assert {each.version for each in read} == {4}
    assert {each.variant for each in read} == {uuid.RFC_4122}
    assert {str(each)[19] for each in read} == set("89ab")
    assert all(len(each) == 36 for each in map(str, read))


def test_no_two_threads_are_given_the_same_entity_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = [each for part in pool.map(entity_ids, [COUNT] * 8) for each in part]
    assert len(set(found)) == 8 * COUNT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_process_is_not_given_its_parents_entity_ids() -> None:
    entity_ids(1)
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        os.write(writable, "\n".join(entity_ids(100)).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        theirs = pipe.read().split("\n")
    os.waitpid(child, 0)
    assert len(theirs) == 100
    assert not set(theirs) & set(entity_ids(100))


@pytest.mark.parametrize(
    ("created_at", "text"),
    [
        (0, "1970-01-01T00:00:00"),
        (1_372_939_200_999_999_999, "2013-07-04T12:00:00"),
        (1_372_939_201_000_000_000, "2013-07-04T12:00:01"),
        (1_372_939_200_000_000_000, "2013-07-04T12:00:00"),
    ],
)
def test_a_prediction_id_is_server_second_and_entity(created_at: int, text: str) -> None:
    assert Identity("here", created_at, "an-id").prediction_id == f"here/{text}/an-id"
