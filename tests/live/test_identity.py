"""Identities: unique, of the form that others parse, and not repeated in a forked process."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from boxkite.live.identity import Identity

COUNT = 1000


def entity_ids(count: int) -> list[str]:
    return [Identity.new("server").entity_id for _ in range(count)]


def test_an_entity_id_is_a_random_uuid_in_its_canonical_form() -> None:
    read = [uuid.UUID(text) for text in entity_ids(COUNT)]
    assert {each.version for each in read} == {4}
    assert {each.variant for each in read} == {uuid.RFC_4122}
    assert {str(each)[19] for each in read} == set("89ab")
    assert all(len(each) == 36 for each in map(str, read))


@pytest.mark.parametrize("number", [0, 1, 2, 1000])
def test_the_ids_of_rows_count_up_from_the_first(number: int) -> None:
    first = Identity.new("server")
    rows = first.rows(number)
    read = [uuid.UUID(each.entity_id) for each in rows]
    assert rows[:1] == [first][:number]
    assert [each.int - read[0].int for each in read] in (
        list(range(number)),
        [(i if read[0].node + i < 2**48 else i - 2**48) for i in range(number)],
    )
    assert {(each.version, each.variant) for each in read} <= {(4, uuid.RFC_4122)}


def test_after_the_greatest_number_they_begin_anew() -> None:
    first = Identity("server", 0, "9f1c8a44-8d1f-4b57-9c3a-fffffffffffe")
    assert [each.entity_id[24:] for each in first.rows(4)] == [
        "fffffffffffe", "ffffffffffff", "000000000000", "000000000001"
    ]  # fmt: skip


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
