"""The example of an adapter: the common cases of a service, under Quart."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import quart
from quart import Quart, request

import boxkite
from boxkite import current_prediction

EXAMPLES = Path(__file__).parents[2] / "examples"
ROW = {"age": 30, "colour": "red"}
BASELINE = boxkite.Baseline.fit(
    {"age": list(range(100)), "colour": ["red", "blue"] * 50},
    {"score": [i / 100 for i in range(100)]},
    model="score",
    version="1",
)


@pytest.fixture(scope="module")
def adapter() -> Iterator[ModuleType]:
    """The module of the example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        import quart_adapter

        yield quart_adapter
        del sys.modules["quart_adapter"]


@pytest.fixture
def app() -> Quart:
    """An application without views."""
    return Quart("service")


@pytest.fixture
def monitor(adapter: ModuleType, app: Quart, records: Any) -> Any:
    """The application's extension, whose predictions are kept in a list."""
    return adapter.Boxkite(app, baseline=BASELINE, log=records, registry=None)


def ask(app: Quart, path: str = "/score", method: str = "POST", **options: Any) -> Any:
    """Send one request, and return the response with its content as `content`."""

    async def send() -> Any:
        response = await app.test_client().open(path, method=method, **options)
        response.content = await response.get_data()
        return response

    return asyncio.run(send())


def rows_of(records: Any) -> list[tuple[Any, Any]]:
    return [(each.features, each.output) for each in records]


async def body_score() -> Any:
    age = (await request.get_json())["age"]
    return {"score": age / 100}


async def nested_score() -> Any:
    row = (await request.get_json())["inputs"]
    return {"result": {"score": row["age"] / 100}}


async def features_of(request: Any) -> Any:
    return await request.get_json()


def wrapped(row: Any) -> dict[str, Any]:
    return {"inputs": row}


@pytest.mark.parametrize(
    ("view", "sources", "body"),
    [
        (body_score, {"output": "score"}, ROW),
        (body_score, {"features": ["colour", "age"], "output": ["score"]}, ROW),
        (nested_score, {"features": "inputs", "output": "result.score"}, wrapped(ROW)),
        (
            body_score,
            {"features": features_of, "output": lambda returned: returned["score"]},
            ROW,
        ),
    ],
    ids=["whole body", "names", "key paths", "callables"],
)
def test_sources_find_features_and_output(
    view: Any, sources: Any, body: Any, app: Quart, monitor: Any, records: Any
) -> None:
    bare = Quart("bare")
    bare.post("/score")(view)
    app.post("/score")(monitor.predict(**sources)(view))
    plain, response = ask(bare, json=body), ask(app, json=body)
    (record,) = records
    assert response.headers.pop("X-Prediction-Id") == record.prediction_id
    assert (response.status, response.headers, response.content) == (
        plain.status,
        plain.headers,
        plain.content,
    )
    assert (record.features, record.output) == (ROW, 0.3)


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ({"score": 0.3}, 0.3),
        (({"score": 0.3}, 201), 0.3),
        ([0.3], 0.3),
        ("0.3", 0.3),
        (("high", 201), "high"),
        (quart.Response('{"score": 0.3}', mimetype="application/json"), 0.3),
    ],
)
def test_an_answer_is_understood_in_each_form(
    returned: Any, output: Any, app: Quart, monitor: Any, records: Any
) -> None:
    app.get("/score")(monitor.predict(features=lambda _: ROW)(lambda: returned))
    ask(app, method="GET")
    assert rows_of(records) == [(ROW, output)]


def test_a_batch_is_one_prediction_a_row(app: Quart, monitor: Any, records: Any) -> None:
    @app.post("/score")
    @monitor.predict(output="score")
    async def score() -> Any:
        return [{"score": row["age"] / 100} for row in await request.get_json()]

    response = ask(app, json=[ROW, {"age": 40, "colour": "blue"}])
    assert response.headers["X-Prediction-Count"] == "2"
    assert response.headers["X-Prediction-Id"] == records[0].prediction_id
    assert rows_of(records) == [(ROW, 0.3), ({"age": 40, "colour": "blue"}, 0.4)]


@pytest.mark.parametrize("how", ["status", "abort", "raise"])
def test_an_error_is_no_prediction(how: str, app: Quart, monitor: Any, records: Any) -> None:
    @app.post("/score")
    @monitor.predict(features=lambda _: ROW)
    async def score() -> Any:
        if how == "abort":
            quart.abort(400)
        if how == "raise":
            raise ValueError("no model")
        return {"score": 0.3}, 409

    response = ask(app, json=ROW)
    assert response.status_code == {"status": 409, "abort": 400, "raise": 500}[how]
    assert "X-Prediction-Id" not in response.headers
    assert list(records) == []


def test_what_the_view_sets_wins_and_it_knows_the_id(
    app: Quart, monitor: Any, records: Any
) -> None:
    @app.post("/score")
    @monitor.predict
    async def score() -> str:
        current_prediction.features, current_prediction.output = ROW, 0.3
        await asyncio.sleep(0)
        return current_prediction.id

    response = ask(app)
    assert response.headers["X-Prediction-Id"].encode() == response.content
    assert rows_of(records) == [(ROW, 0.3)]


def test_marked_functions_and_sync_views_are_counted(
    app: Quart, monitor: Any, records: Any
) -> None:
    prepared = monitor.features(lambda age: [age, "red"])

    @app.post("/score/<int:age>")
    @monitor.predict(output="score")
    def score(age: int) -> dict[str, float]:
        return {"score": prepared(age)[0] / 100}

    ask(app, "/score/30")
    assert rows_of(records) == [(ROW, 0.3)]


def test_requests_that_run_at_the_same_time_are_kept_apart(
    app: Quart, monitor: Any, records: Any
) -> None:
    @app.post("/score/<int:age>")
    @monitor.predict(output="score")
    async def score(age: int) -> dict[str, float]:
        current_prediction.features = [age, "red"]
        await asyncio.sleep(0.001 * (age % 3))
        return {"score": age / 100}

    async def drive() -> None:
        client = app.test_client()
        await asyncio.gather(*(client.post(f"/score/{age}") for age in range(20)))

    asyncio.run(drive())
    found = sorted(rows_of(records), key=lambda row: row[1])
    assert found == [({"age": age, "colour": "red"}, age / 100) for age in range(20)]


@pytest.mark.parametrize("streamed", ["view", "response"])
def test_a_stream_takes_its_output_from_the_context(
    streamed: str, app: Quart, monitor: Any, records: Any
) -> None:
    async def steps() -> AsyncIterator[str]:
        yield "0."
        current_prediction.output = 0.3
        yield "3"

    async def parts() -> AsyncIterator[str]:
        yield "0.3"

    async def score() -> quart.Response:
        current_prediction.output = 0.3
        return quart.Response(parts())

    view: Callable[..., Any] = steps if streamed == "view" else score
    app.post("/score")(monitor.predict(view))
    response = ask(app, json=ROW)
    (record,) = records
    assert response.content == b"0.3"
    assert response.headers["X-Prediction-Id"] == record.prediction_id
    assert (record.features, record.output) == (ROW, 0.3)


def test_a_failure_of_monitoring_is_raised_only_under_testing(app: Quart, monitor: Any) -> None:
    app.post("/score")(monitor.predict(output="result")(body_score))
    assert ask(app, json=ROW).status_code == 200
    assert app.extensions["boxkite_models"]["score"].reporter.counts()["output"] == 1
    app.testing = True
    raised: list[str] = []

    def keep(_: Any, exception: Exception) -> None:
        raised.append(str(exception))

    # Depending on Quart's version, its test client raises the exception or shows a page with it.
    with quart.got_request_exception.connected_to(keep, app), suppress(LookupError):
        ask(app, json=ROW)
    assert raised == ["no key 'result' in the returned object; it has 'score'"]


def test_an_application_without_monitor_is_as_it_was(adapter: ModuleType, app: Quart) -> None:
    app.post("/score")(adapter.Boxkite(baseline=BASELINE).predict(body_score))
    response = ask(app, json=ROW)
    assert (response.status_code, "X-Prediction-Id" in response.headers) == (200, False)


def test_the_metrics_count_what_was_predicted(app: Quart, monitor: Any) -> None:
    app.post("/score")(monitor.predict(output="score")(body_score))
    ask(app, json=ROW)
    metrics = ask(app, "/metrics", "GET", headers={"Accept-Encoding": "identity"})
    assert metrics.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b'boxkite_predictions_total{model_name="score",model_version="1"} 1\n' in metrics.content
    named = ask(app, "/metrics?name[]=boxkite_baseline_rows", "GET")
    assert len(named.content.splitlines()) == 3


def by_header(request: Any) -> bool:
    return bool(request.headers.get("X-Scraper") == "yes")


async def by_header_async(request: Any) -> bool:
    return by_header(request)


@pytest.mark.parametrize("authorize", [by_header, by_header_async])
def test_token_and_authorize_are_both_asked(
    authorize: Any, adapter: ModuleType, app: Quart
) -> None:
    adapter.Boxkite(app, baseline=BASELINE, metrics_token="s", authorize=authorize)
    token, header = {"Authorization": "Bearer s"}, {"X-Scraper": "yes"}
    statuses = [
        ask(app, "/metrics", "GET", headers=headers).status_code
        for headers in ({}, header, token, token | header)
    ]
    assert statuses == [401, 401, 403, 200]


def test_the_drift_page_and_its_files_are_mounted(adapter: ModuleType, app: Quart) -> None:
    adapter.Boxkite(app, baseline=BASELINE, drift_path="/drift")
    assert b"colour" in ask(app, "/drift", "GET").content
    assert ask(app, "/drift/drift.json", "GET").content_type == "application/json"


def test_settings_come_from_the_configuration_and_the_environment(
    adapter: ModuleType, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUART_BOXKITE_SERVER_ID", "environment")
    monkeypatch.setenv("QUART_BOXKITE_MODEL", "environment")
    app.config["BOXKITE_MODEL"] = "configured"
    adapter.Boxkite(app, baseline=BASELINE)
    (monitor,) = app.extensions["boxkite_models"].values()
    assert (monitor.baseline.model, monitor.settings.server_id) == ("configured", "environment")


def test_a_path_that_is_taken_is_refused(adapter: ModuleType, app: Quart) -> None:
    app.add_url_rule("/metrics", "numbers", lambda: "mine")
    with pytest.raises(boxkite.ConfigError, match="is taken by the endpoint 'numbers'; set anoth"):
        adapter.Boxkite(app, baseline=BASELINE)


def test_the_end_of_serving_delivers_what_waits(
    adapter: ModuleType, app: Quart, records: Any
) -> None:
    adapter.Boxkite(app, baseline=BASELINE, log=records, registry=None)

    async def live() -> None:
        async with app.test_app():
            (monitor,) = app.extensions["boxkite_models"].values()
            monitor.log_prediction(ROW, 0.3)

    asyncio.run(live())
    assert [each.output for each in records.records] == [0.3]
