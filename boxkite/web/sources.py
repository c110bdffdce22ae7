"""Sources of features and output, which `@monitor.predict` reads in each request and response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from boxkite.baseline import Baseline
from boxkite.errors import ConfigError
from boxkite.live.recorder import NAMED, Named
from boxkite.monitor import Monitor
from boxkite.web.answers import Answered
from boxkite.web.context import UNSET, Prediction
from boxkite.web.request_body import parsed_body
from boxkite.web.segment_reader import SegmentReader, SegmentSource
from boxkite.web.source_reader import Source, SourceReader, check_source

__all__ = [
    "PREDICTION_COUNT_HEADER",
    "PREDICTION_ID_HEADER",
    "Capture",
    "PendingPrediction",
    "SegmentSource",
    "Source",
]

PREDICTION_ID_HEADER = "X-Prediction-Id"
PREDICTION_COUNT_HEADER = "X-Prediction-Count"

T = TypeVar("T")

_CONTAINERS_PER_ROW = 2  # as in `{"rows": [{"values": [1, 2]}, …]}`


class Capture:
    """The sources of one decorated view.

    Args:
        features: The source of the features.
        output: The source of the output.
        view: The view's name, for messages.
        segments: The source of the values of segment columns; None for none.
        awaited: Whether the adapter awaits sources, so that callables may be async.

    Attributes:
        view: The view's name in messages, such as "view 'score'".
        features: Reads the features.
        output: Reads the output.
        segments: Reads the values of segment columns.
        may_await: Whether a source may return an awaitable.
        named: Which parts the decorator names. Clients fill a body, or the part of it at a key
            path. An answer is the service's own, so a key path is enough there.

    Raises:
        TypeError: if a source has another type.
    """

    def __init__(
        self,
        features: Source,
        output: Source,
        view: str,
        *,
        segments: SegmentSource | None = None,
        awaited: bool = False,
    ) -> None:
        check_source("features", features, awaited)
        check_source("output", output, awaited)
        self.view = f"view {view!r}"
        self.features = SourceReader("features", features, self.view)
        self.output = SourceReader("output", output, self.view)
        self.segments = SegmentReader(segments, self.view, awaited=awaited)
        self.may_await = callable(features) or callable(output) or self.segments.may_await
        named = Named(not isinstance(features, str | None), output is not None)
        self.named = NAMED if all(named) else named

    def check(self, baseline: Baseline) -> None:
        """Check that lists of names fit the baseline.

        Raises:
            ConfigError: if some names are the baseline's and some are not.
        """
        try:
            self.features.check(baseline)
            self.output.check(baseline)
        except LookupError as error:
            raise ConfigError(f"{self.view}: {error}") from None


class Runner(Protocol):
    """Runs work that may take long."""

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work. Meanwhile, other requests go on."""
        ...


class PendingPrediction(msgspec.Struct, eq=False):
    """A prediction that is logged once its response is known not to be an error.

    Attributes:
        exchange: The request and its response, from the adapter.
        monitor: The monitor of the model.
        capture: The sources of the view.
        prediction: The prediction. Parts that the view has set override the sources.
        returned: The value that the view returned.
        awaited: Features and output from callable sources that were awaited; `UNSET` for others.
        awaited_segments: The same for segment columns, by name.
        runner: Runs `log` for `log_awaiting`. An adapter may set it; None for no one.
    """

    exchange: Answered
    monitor: Monitor
    capture: Capture
    prediction: Prediction
    returned: Any = None
    awaited: tuple[Any, Any] = (UNSET, UNSET)
    awaited_segments: dict[str, Any] = {}
    runner: Runner | None = None

    __repr__ = object.__repr__  # the returned value may be secret

    @property
    def id(self) -> str:
        """Prediction id; for a batch, the id of the first prediction."""
        return self.prediction.id

    @property
    def _named(self) -> Named:
        """Which parts the service's code names, in the decorator or by setting them."""
        named, prediction = self.capture.named, self.prediction
        if named is NAMED or not prediction.is_set:
            return named
        return Named(
            named.features or prediction.features is not UNSET,
            named.output or prediction.output is not UNSET,
        )

    @property
    def may_await(self) -> bool:
        """Whether a source may be async. If so, call `log_awaiting`."""
        return self.capture.may_await

    def log(self) -> dict[str, str]:
        """Log the prediction. A part that cannot be found is reported, and nothing is raised.

        Returns:
            The headers to set in the response: the prediction id, and for a batch the number of
            predictions too.
        """
        features, output = self.awaited
        if features is UNSET:
            features = self.capture.features.read(self)
        if output is UNSET:
            output = self.capture.output.read(self)
        segments = None
        if self.capture.segments.has_sources or self.prediction.is_set:
            segments = self.capture.segments.read(self, self.awaited_segments)
        return self._logged(features, output, segments)

    async def _await_sources(self) -> None:
        """Call the callable sources. Afterwards `log` calls none and may run in any thread."""
        features = await self.capture.features.call_awaiting(self)
        self.awaited = features, await self.capture.output.call_awaiting(self)
        if self.capture.segments.may_await:
            self.awaited_segments = await self.capture.segments.call_awaiting(self)

    async def log_awaiting(self) -> dict[str, str]:
        """Log the prediction, as `log` does, and await async sources."""
        if self.may_await:
            await self._await_sources()
        return self.log() if self.runner is None else await self.runner.run(self.log)

    def body(self) -> Any:
        """Return the request's JSON body as plain values.

        Raises:
            ValueError: if the view read no JSON body, or it is too large.
        """
        settings = self.monitor.settings
        return parsed_body(
            self.exchange, settings.body_max_bytes, _CONTAINERS_PER_ROW * settings.max_rows
        )

    def _logged(self, features: Any, output: Any, segments: Any) -> dict[str, str]:
        monitor, view, body = self.monitor, self.capture.view, None
        if monitor.settings.log_request_body:
            try:
                body = self.body()
            except Exception as error:  # noqa: BLE001 - the client decides what the body is
                monitor.reporter.report("log", error, view)
        identity = self.prediction.identity
        named = self._named
        ids = monitor.recorder.take_all(identity, features, output, body, view, named, segments)
        if len(ids) == 1:
            return {PREDICTION_ID_HEADER: ids[0]}
        first = {PREDICTION_ID_HEADER: ids[0]} if ids else {}
        return {**first, PREDICTION_COUNT_HEADER: str(len(ids))}
