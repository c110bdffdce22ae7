"""The lifespan: the application's own runs as it would, and the monitors are closed after it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

import boxkite
from boxkite.testing import RecordingSink
from boxkite_starlette import Boxkite


async def live(app: Any, meanwhile: Callable[[], Any] = lambda: None) -> tuple[list[str], Any]:
    """Run an application's lifespan as a server does; returns what it sent, and its state."""
    sent: list[str] = []
    state: dict[str, Any] = {}

    async def receive() -> Any:
        if not sent:
            return {"type": "lifespan.startup"}
        meanwhile()
        return {"type": "lifespan.shutdown"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan", "app": app, "state": state}, receive, send)
    return sent, state


COMPLETE = ["lifespan.startup.complete", "lifespan.shutdown.complete"]


class Closing(RecordingSink):
    """A sink that tells when it is closed."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    def close(self) -> None:
        self.events.append(f"{len(self.records)} delivered, closed")


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_the_applications_own_lifespan_keeps_its_state_and_the_monitors_close_after_it(
    kind: type[Starlette], score_baseline: boxkite.Baseline
) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        events.append("begin")
        yield {"model": 1}
        app.state.boxkite.log_prediction([30, "red"], 0.3)
        events.append("end")

    app = kind(lifespan=lifespan)
    for model in "ab":
        Boxkite(app, model=model, baseline=score_baseline, log=Closing(events))
    predict = app.state.boxkite.log_prediction
    sent, state = asyncio.run(live(app, lambda: predict([30, "red"], 0.3)))
    assert (sent, state) == (COMPLETE, {"model": 1})
    assert events == ["begin", "end", "2 delivered, closed", "0 delivered, closed"]


def test_without_a_lifespan_of_its_own_it_starts_and_the_monitors_close(
    score_baseline: boxkite.Baseline,
) -> None:
    events: list[str] = []
    app = Starlette()
    Boxkite(app, baseline=score_baseline, log=Closing(events))
    predict = app.state.boxkite.log_prediction
    assert asyncio.run(live(app, lambda: predict([30, "red"], 0.3))) == (COMPLETE, {})
    assert events == ["1 delivered, closed"]


def test_fastapis_handlers_and_the_lifespans_of_routers_run(
    score_baseline: boxkite.Baseline,
) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def of_router(_: Any) -> AsyncIterator[None]:
        events.append("router begins")
        yield
        events.append("router ends")

    app = FastAPI(
        on_startup=[lambda: events.append("up")], on_shutdown=[lambda: events.append("down")]
    )
    Boxkite(app, baseline=score_baseline, log=Closing(events))
    app.include_router(APIRouter(lifespan=of_router))
    predict = app.state.boxkite.log_prediction
    sent, _ = asyncio.run(live(app, lambda: predict([30, "red"], 0.3)))
    assert sent == COMPLETE
    assert sorted(events) == ["1 delivered, closed", "down", "router begins", "router ends", "up"]
    assert events.index("1 delivered, closed") > events.index("down")


def test_a_startup_that_fails_fails_as_it_would_without(score_baseline: boxkite.Baseline) -> None:
    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        raise RuntimeError("no model")
        yield

    app = Starlette(lifespan=lifespan)
    Boxkite(app, baseline=score_baseline)
    with pytest.raises(RuntimeError, match=r"^no model$"):
        asyncio.run(live(app))


def test_the_end_does_not_wait_for_threads_that_endpoints_hold(
    score_baseline: boxkite.Baseline,
) -> None:
    app = Starlette()
    Boxkite(app, baseline=score_baseline)
    hold = threading.Event()

    async def drive() -> list[str]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        held = asyncio.create_task(anyio.to_thread.run_sync(hold.wait))
        await asyncio.sleep(0)
        try:
            sent, _ = await live(app)
        finally:
            hold.set()
            await held
        return sent

    assert asyncio.run(drive()) == COMPLETE


def test_the_event_loop_goes_on_while_a_sink_is_slow(score_baseline: boxkite.Baseline) -> None:
    ticked = threading.Event()

    class Slow(RecordingSink):
        def close(self) -> None:
            assert ticked.wait(10)

    app = Starlette()
    Boxkite(app, baseline=score_baseline, log=Slow())
    predict = app.state.boxkite.log_prediction

    async def drive() -> list[str]:
        async def tick() -> None:
            await asyncio.sleep(0.05)
            ticked.set()

        ticking: list[Any] = []

        def meanwhile() -> None:
            predict([30, "red"], 0.3)
            ticking.append(asyncio.create_task(tick()))

        sent, _ = await live(app, meanwhile)
        await ticking[0]
        return sent

    assert asyncio.run(drive()) == COMPLETE


def test_where_no_lifespan_runs_nothing_is_lost(
    score_baseline: boxkite.Baseline, records: Any
) -> None:
    app = Starlette()
    Boxkite(app, baseline=score_baseline, log=records)
    app.state.boxkite.log_prediction([30, "red"], 0.3)
    assert len(records) == 1
