"""Labels while workers are killed: each pair counts once, and each label has one result."""

import contextlib
import http.client
import json
import random
import re
import sys
import threading
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="workers find each other by /proc"
    ),
]

SERVICE = """
import os
import signal

from flask import Flask, request

from boxkite import current_prediction
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app, registry=None)


@app.post("/predict")
@monitor.predict(features=["a"], output="score")
def predict():
    body = request.get_json()
    if "early" in body:
        monitor.log_outcome(current_prediction.id, body["early"])
    if "dies" in body:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"score": body["score"], "process": os.getpid(), "id": current_prediction.id}


@app.post("/labels")
def labels():
    monitor.log_outcome(**request.get_json())
    return {"process": os.getpid()}
"""
SCORES = {0.1: "0.25", 0.3: "0.5", 0.6: "0.75", 0.9: "+Inf"}
"""Scores, and the cell of each one."""

THREADS = 3
ROUNDS = 4
ANSWERS_PER_KILL = 60
NO_ANSWER = (OSError, http.client.HTTPException)


def prediction_id(server: str = "here", age: float = 0.0) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - age))
    return f"{server}/{moment}/{uuid.uuid4()}"


class Client:
    """Sends predictions and labels, and computes what the service must have counted.

    A request without an answer may have been recorded or not. The client repeats it. A repeated
    prediction gets another id, so the lost one never gets a label. A repeated label can only be
    counted with the result that `lost` names.

    Attributes:
        pairs: Pairs that hold at the end.
        results: Labels by result. `again` is a label of a prediction that has one already, and
            `waiting` one whose prediction never comes.
        lost: Labels without an answer, by the result that they have if they were recorded.
        unsampled: Labels whose prediction is not in the log.
        answers: Number of answers.
    """

    def __init__(self, service: Any, seed: int) -> None:
        self.service = service
        self.random = random.Random(seed)
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.results: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.unsampled = 0
        self.answers = 0

    def ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = json.loads(self.service.ask("POST", path, json.dumps(body).encode()))
        self.service.workers.add(answer["process"])
        self.answers += 1
        return answer

    def predict(self, score: Any, **fields: Any) -> str:
        while True:
            with contextlib.suppress(*NO_ANSWER):
                return self.ask("/predict", {"a": 1, "score": score, **fields})["id"]
            time.sleep(0.02)

    def label(self, result: str, identifier: Any, outcome: Any) -> None:
        again = "again" if result in ("paired", "again", "waiting") else result
        while True:
            try:
                self.ask("/labels", {"prediction_id": identifier, "outcome": outcome})
                break
            except NO_ANSWER:
                self.lost[again] += 1
                time.sleep(0.02)
        self.results[result] += 1

    def labelled(self, outcomes: list[int], *, early: bool, killing: threading.Lock) -> None:
        """Send labels of one prediction, each after the answer to the one before."""
        score = self.random.choice(list(SCORES))
        if early:
            # If its worker were killed from outside, nobody would know whether it was recorded.
            with killing:
                body = {"a": 1, "score": score, "early": outcomes[0]}
                identifier = self.ask("/predict", body)["id"]
            self.results["paired"] += 1
        else:
            identifier = self.predict(score)
            self.label("paired", identifier, outcomes[0])
        for outcome in outcomes[1:]:
            self.label("again", identifier, outcome)
        self.pairs[SCORES[score], str(outcomes[-1])] += 1
        entity = identifier.rsplit("/", 1)[1]
        self.unsampled += zlib.crc32(entity.encode()) >= 0.5 * 2**32

    def hopeless(self, case: int, killing: threading.Lock) -> None:
        """Send a label that can be paired with no prediction."""
        if case == 0:
            server, result = self.random.choice([("here", "late"), ("there", "foreign")])
            self.label(result, prediction_id(server, age=2 * 86_400), 1)
        elif case == 1:
            # It could be the former name of this server, so it waits like any other label.
            self.label("waiting", prediction_id(self.random.choice(["here", "there"])), 1)
        elif case == 2:
            self.label("invalid", self.random.choice(["no id", "", None, 7, ["here"]]), 1)
        elif case == 3:
            outcome = self.random.choice(["maybe", None, 2, [1], {"a": 1}])
            self.label("invalid", self.predict(0.1), outcome)
        elif case == 4:
            self.label("invalid", self.predict("broken"), 1)
        else:
            # The worker dies after the label, before the prediction.
            with killing, contextlib.suppress(*NO_ANSWER):
                self.service.ask(
                    "POST", "/predict", b'{"a": 1, "score": 0.1, "early": 1, "dies": true}'
                )
            self.results["waiting"] += 1

    def send(self, number: int, killing: threading.Lock) -> None:
        """Send `number` labelled predictions of all kinds in random order."""
        kinds: list[tuple[bool, list[int]]] = [
            (early, outcomes)
            for early in (False, True)
            for outcomes in ([1], [0], [1, 1], [0, 1], [1, 0, 1], [0, 1, 1])
        ]
        for position in range(number):
            if position % 8 == 7:
                self.hopeless(self.random.randrange(5), killing)
            if position % 50 == 49:
                self.hopeless(5, killing)
            early, outcomes = self.random.choice(kinds)
            self.labelled(outcomes, early=early, killing=killing)


def net_pairs(scraped: dict[str, float]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    pattern = re.compile(
        r'boxkite_outcome_(withdrawn_)?pairs_total\{.*output_cell="(.*?)",outcome_cell="(.*?)"\}'
    )
    for series, value in scraped.items():
        if match := pattern.fullmatch(series):
            found[match[2], match[3]] += int(-value if match[1] else value)
    return found


def results(scraped: dict[str, float]) -> Counter[str]:
    pattern = re.compile(r'boxkite_outcomes_total\{.*result="(\w+)"\}')
    found = ((pattern.fullmatch(series), value) for series, value in scraped.items())
    return Counter({match[1]: int(value) for match, value in found if match})


@pytest.mark.timeout(600)
def test_labels_count_once_while_workers_are_killed(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    scores = np.linspace(0, 1, 1000)
    Baseline.fit(
        {"a": np.arange(1000.0)}, {"score": scores}, outcome=scores > 0.4, bins=4, model="m"
    ).write(tmp_path / "outcomes.prom")
    service = serve(
        *("gunicorn", "--workers", str(THREADS), "--log-level", "critical"),
        FLASK_BOXKITE_BASELINE=str(tmp_path / "outcomes.prom"),
        FLASK_BOXKITE_STATE_DIR=str(tmp_path / "state"),
        FLASK_BOXKITE_LOG=str(tmp_path / "log"),
        FLASK_BOXKITE_LOG_SAMPLE="0.5",
        FLASK_BOXKITE_OUTCOME_TTL="1d",
        FLASK_BOXKITE_SERVER_ID="here",
    )
    clients = [Client(service, seed) for seed in range(THREADS)]
    killing = threading.Lock()
    number = ROUNDS * ANSWERS_PER_KILL // THREADS // 2
    sending = [threading.Thread(target=each.send, args=(number, killing)) for each in clients]
    for thread in sending:
        thread.start()
    kills, last = 0, dict[str, float]()
    while any(thread.is_alive() for thread in sending):
        if sum(each.answers for each in clients) >= (kills + 1) * ANSWERS_PER_KILL:
            with killing:
                kills += service.kill_a_worker()
            scraped = service.scrape()
            counters = {name for name in scraped if "_total" in name}
            assert [name for name in counters if scraped[name] < last.get(name, 0)] == []
            last = scraped
        time.sleep(0.02)
    assert kills >= ROUNDS - 1

    def total(name: str) -> Counter[Any]:
        return sum((getattr(each, name) for each in clients), Counter())

    scraped = service.scrape()
    assert +net_pairs(scraped) == total("pairs")
    expected, lost, found = total("results"), total("lost"), results(scraped)
    assert found["paired"] == expected["paired"]
    assert found["unknown"] == 0
    # Whether the third of three labels repeats or corrects depends on which was joined before it.
    found["again"] = found["repeated"] + found["corrected"]
    assert min(found["repeated"], found["corrected"]) > 0
    for result in ("again", "late", "foreign", "invalid"):
        assert expected[result] <= found[result] <= expected[result] + lost[result], result
    (waiting,) = (v for name, v in scraped.items() if name.startswith("boxkite_outcomes_waiting"))
    assert waiting == expected["waiting"]
    assert sum(each.unsampled for each in clients) > number / 4
