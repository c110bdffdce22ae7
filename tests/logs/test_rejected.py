"""What a sink refuses for good is kept where somebody can look at it."""

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from boxkite.live.state_folder import StateFolder
from boxkite.logs import rejected as module
from boxkite.logs.log_record import LogRecord
from boxkite.logs.rejected import RejectedFile


def record(number: int, features: Any = None) -> LogRecord:
    return LogRecord(
        prediction_id=f"s/t/{number}",
        entity_id=str(number),
        server_id="s",
        endpoint_id="e",
        model="m",
        version="1",
        created_at="2026-11-23T12:00:00.000000Z",
        features=features,
        output=0.5,
    )


class At(RejectedFile):
    """A file at a path."""

    def __init__(self, path: Path) -> None:
        super().__init__(self)
        self.path = path

    def open_rejected_file(self) -> Path:
        return StateFolder(str(self.path.parent)).open_rejected_file()


def read(file: At) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.path.read_bytes().split(b"\n")[:-1]]


def test_each_line_has_the_reason_and_the_record(tmp_path: Path) -> None:
    file = At(tmp_path / "state" / "rejected.jsonl")
    file.append([(record(1, {"a": "x\ny\u2028"}), "too large"), (record(2), "odd")])
    file.append([(record(3), "odd")])
    assert [(each["reason"], each["record"]["entity_id"]) for each in read(file)] == [
        ("too large", "1"),
        ("odd", "2"),
        ("odd", "3"),
    ]
    assert read(file)[0]["record"]["features"] == {"a": "x\ny\u2028"}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o755


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rejected.jsonl").symlink_to(tmp_path / "elsewhere")
    At(tmp_path / "rejected.jsonl").append([(record(1), "odd")])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("features", [object(), {"a": "\ud800"}])
def test_of_a_record_that_cannot_be_encoded_the_id_is_kept(features: Any, tmp_path: Path) -> None:
    file = At(tmp_path / "rejected.jsonl")
    file.append([(record(1, features), "odd"), (record(2), "odd")])
    first, second = read(file)
    assert first == {"reason": "odd", "prediction_id": "s/t/1"}
    assert second["record"]["entity_id"] == "2"


def test_a_reason_that_cannot_be_encoded_is_spelled_out(tmp_path: Path) -> None:
    file = At(tmp_path / "rejected.jsonl")
    file.append([(record(1), "no \ud800"), (record(2, object()), "no \ud800")])
    assert [each["reason"] for each in read(file)] == ["no \\ud800"] * 2


def test_no_line_is_added_to_a_file_that_has_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 1000)
    file = At(tmp_path / "rejected.jsonl")
    file.append([(record(number), "odd") for number in range(100)])
    content = file.path.read_bytes()
    file.append([(record(0), "odd")])
    assert file.path.read_bytes() == content
    assert 1000 <= len(content) < 1000 + 2 * len(content.splitlines()[0])
    assert len(read(file)) == content.count(b"\n")


def test_workers_that_add_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    def add() -> None:
        for _ in range(20):
            At(tmp_path / "rejected.jsonl").append([(record(1, "x" * 5000), "odd")])

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = read(At(tmp_path / "rejected.jsonl"))
    assert len(lines) == 80
    assert {each["record"]["features"] for each in lines} == {"x" * 5000}


def test_where_there_is_no_folder_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    file = At(tmp_path / "state" / "rejected.jsonl")
    file.append([(record(1), "odd")])
    assert not file.path.exists()
