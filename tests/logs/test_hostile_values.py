"""Test hostile requests: each line can be parsed, and no byte of a redacted value is stored."""

import base64
import json
import random
import struct
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest

from boxkite import Baseline
from boxkite.live.log_context import LogContext
from boxkite.live.record import Record, decode, encode
from boxkite.live.redaction import Redaction
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import to_log_record

BASELINE = Baseline.fit(
    {
        "distance": np.arange(100.0),
        "passport": ["a", "b"] * 50,
        "income": np.arange(100.0),
    },
    {"delay": np.arange(100.0)},
    bins=4,
)
REDACTION = Redaction(["Passport", "income", "authorization"], BASELINE)

SECRET = "q7Zk~9f1b-Vx"
NUMBER = 31337.4242424242
HOSTILE = [
    "", " ", ".", "..", "../../etc/passwd", "/", "a/b", "\\", "C:\\x", "%2e%2e%2f", "CON", "~",
    "\n", "\r\n", "a\nb", "\x00", "\x0b", "\x0c", "\x1c", "\x1e", "\x7f", "\x85", "\u2028\u2029",
    "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "é", "e\u0301", "🪁", "\U0010ffff", "ß", "İ",
    '"', "'", '{"a": 1}', "[", "{", "}\n{", "null", "NaN", "-Infinity", "0", "1e999", "[redacted]",
    "x" * 300, "é\u2028" * 100, "$(id)", "`", "<script>", "', DROP", "\\u0000", "\\ud800", "\t",
]  # fmt: skip
NAMES = ["passport", "PASSPORT", "Passport", " passport", "income", "Income", "Authorization"]


def hostile(chance: random.Random) -> str:
    return "".join(chance.choices(HOSTILE, k=chance.randint(1, 3)))


def leaf(chance: random.Random) -> Any:
    numbers = (1, -0.0, 1e308, float("nan"), float("inf"), 2**63, -(2**70), 10**20, None, True)
    return chance.choice((hostile(chance), hostile(chance).encode("utf-8", "replace"), *numbers))


def secret(chance: random.Random) -> Any:
    """Return a secret in one of the forms that a value can have."""
    forms = (SECRET, SECRET.encode(), [SECRET], {"x": SECRET}, NUMBER, f"{NUMBER}", (NUMBER, 1))
    return chance.choice((*forms, hostile(chance) + SECRET, np.float64(NUMBER)))


def tree(chance: random.Random, depth: int = 3) -> Any:
    """Return nested values, some of them secrets under their names."""
    kind = chance.randrange(8)
    if depth == 0 or kind < 2:
        return leaf(chance)
    if kind < 4:
        return [tree(chance, depth - 1) for _ in range(chance.randrange(4))]
    named = {hostile(chance): tree(chance, depth - 1) for _ in range(chance.randrange(4))}
    if chance.random() < 0.7:
        named[chance.choice(NAMES)] = secret(chance)
    if kind < 6:
        return named
    if kind == 6:
        return {chance.choice((7, None, b"\xff", 1.5)): named}
    return as_text(named)


def as_text(value: Any) -> Any:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return [value]


def form(chance: random.Random) -> Any:
    return chance.choice(
        (
            f"passport={SECRET}&x={hostile(chance)}",
            f"{hostile(chance)}{SECRET}".encode("utf-8", "replace"),
            json.dumps({"passport": SECRET, "x": hostile(chance)}),
            json.dumps({"Income": NUMBER, "x": [hostile(chance)]}).encode("utf-16"),
            f'{{"passport": "{SECRET}", }}',
        )
    )


def features(chance: random.Random) -> Any:
    if chance.random() < 0.5:
        return [tree(chance), secret(chance), secret(chance)]
    named = {name: secret(chance) for name in NAMES}
    return {**named, hostile(chance): tree(chance), "distance": tree(chance)}


def request(chance: random.Random) -> tuple[LogContext, Record]:
    row = REDACTION.row(features(chance))
    output = REDACTION.output([tree(chance)])
    body = REDACTION.body(form(chance) if chance.random() < 0.2 else tree(chance))
    context = LogContext(
        sink="file:",
        server_id=hostile(chance),
        endpoint_id=hostile(chance),
        logger_id=hostile(chance),
        replica_id=hostile(chance),
        model=hostile(chance),
        version=hostile(chance),
        features=("distance", "passport", "income"),
        outputs=("delay",),
        max_bytes=chance.choice((100, 1000, 1 << 20)),
    )
    return context, Record(hostile(chance), chance.randrange(2**61), row, output, body, True)


FORBIDDEN = [
    SECRET.encode(),
    repr(NUMBER).encode(),
    struct.pack(">d", NUMBER),
    struct.pack("<d", NUMBER),
    *(base64.b64encode(b"x" * shift + SECRET.encode())[4:14] for shift in range(3)),
]


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def lines_of(requests: int, seed: int) -> list[str]:
    """Return the lines of random requests, and check each line and its bytes in the journal."""
    chance = random.Random(seed)
    lines = []
    for _ in range(requests):
        context, record = request(chance)
        content = encode(record, chance.choice((None, 10, 1 << 20)))
        line = to_line(to_log_record(context, decode(content)), context.max_bytes)
        for forbidden in FORBIDDEN:
            assert forbidden not in content
            assert forbidden not in line
        text = line.decode()
        assert text.splitlines(keepends=True) == [text]
        assert text.endswith("\n")
        assert json.loads(text, parse_constant=refuse) == msgspec.json.decode(line)
        lines.append(text)
    return lines


def all_parse(lines: list[str]) -> bool:
    """Return whether DuckDB can parse each line."""
    query = "SELECT bool_and(json_valid(line)) FROM (SELECT unnest(?) AS line)"
    return duckdb.execute(query, [lines]).fetchall() == [(True,)]


def test_two_thousand_hostile_requests_are_logged_safely() -> None:
    assert all_parse(lines_of(2_000, seed=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [10, 11, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(12, 20))]
)
def test_hostile_requests_are_logged_safely(seed: int) -> None:
    assert all_parse(lines_of(10_000, seed))


def test_the_search_for_secrets_finds_them_without_redaction() -> None:
    chance = random.Random(1)
    found = set()
    for _ in range(500):
        content = encode(Record("", 0, features(chance), [tree(chance)]))
        found |= {forbidden for forbidden in FORBIDDEN if forbidden in content}
    assert set(FORBIDDEN[:3]) <= found
