"""The extension, which sets up applications and decorates views in every framework."""

from __future__ import annotations

import logging
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from inspect import signature
from typing import Any, ClassVar, ParamSpec, TypeVar, Unpack, overload

from prometheus_client import REGISTRY

from boxkite.baseline import Baseline
from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.settings import Settings, refuse_unknown, resolve
from boxkite.web.context import captured
from boxkite.web.framework import Application, Exchange
from boxkite.web.models import Models
from boxkite.web.mounting import mount_drift, mount_metrics
from boxkite.web.options import Options
from boxkite.web.registered_views import mark_decorated
from boxkite.web.sources import Capture, SegmentSource, Source
from boxkite.web.start_line import start_line
from boxkite.web.views import MonitoredView

__all__ = ["Extension"]

P = ParamSpec("P")
T = TypeVar("T")

_logger = logging.getLogger("boxkite")

# Options that are objects. The settings `baseline` and `log` only hold text, so they are passed to
# the monitor apart from the settings.
_OBJECTS = frozenset({"baseline", "log", "registry", "policy", "authorize"})


# Applications in which the setting `ENABLED` has switched an extension off. Another extension may
# have decorated their views, and must not report that they are not counted.
_partly_off: weakref.WeakSet[Any] = weakref.WeakSet()


class Extension(ABC):
    """Monitors the predictions of applications. An adapter for a framework derives from it.

    Args:
        **options: Settings and objects by name, see `Options`. They override the configuration.

    Raises:
        ConfigError: if an option is unknown, or `authorize` is not callable.
    """

    knows_requests: ClassVar[bool] = False
    """Whether `unmonitored_application` finds the application of each request."""

    awaits_sources: ClassVar[bool] = False
    """Whether the adapter calls `PendingPrediction.log_awaiting`, so that sources may be async."""

    def __init__(self, **options: Unpack[Options]) -> None:
        refuse_unknown(options, Options.__annotations__)
        authorize = options.get("authorize")
        if authorize is not None and not callable(authorize):
            raise ConfigError(f"authorize={authorize!r} is not callable; pass a function")
        self._options = options
        self._baselines: list[Baseline] = []
        self._monitors: weakref.WeakSet[Monitor] = weakref.WeakSet()
        self._switched_off: weakref.WeakSet[Any] = weakref.WeakSet()
        self._told_unmonitored = False

    @abstractmethod
    def current_exchange(self) -> Exchange | None:
        """Return the exchange of the current request.

        Return None outside of a request, and in an application without a monitor.
        """

    def unmonitored_application(self) -> Application[Any] | None:
        """Return the application of the current request if it has no monitor.

        Default: None, because it is not known. Then a view that runs without a monitor may just be
        called by a test, so it is only logged, and only if this extension has no application.
        """
        return None

    def set_up(self, application: Application[Any]) -> Monitor | None:
        """Add a monitor to an application, and mount its pages.

        Call it in `init_app`.

        Args:
            application: The application to set up.

        Returns:
            The monitor, or None if the setting `ENABLED` is false.

        Raises:
            ConfigError: if a setting is unknown or invalid, or contradicts the application or its
                other models.
        """
        found = application.models
        models = Models(application.app) if found is None else found
        models.check(self)
        arguments = {k: v for k, v in self._options.items() if k not in _OBJECTS}
        settings = resolve(application.layers, arguments)
        application.report_misplaced(arguments)
        if not settings.enabled:
            self._switched_off.add(application.app)
            _partly_off.add(application.app)
            return None
        monitor = self._new_monitor(application, settings)
        try:
            models.check(self, monitor)
            page = mount_metrics(application, models, monitor, self._options)
            mount_drift(application, models, monitor, self._options)
        except BaseException:
            monitor.close(0)
            raise
        models.add(self, monitor)
        self._baselines.append(monitor.baseline)
        self._monitors.add(monitor)
        if page is not None:
            models.pages[page.path] = page
            page.join(monitor)
        if found is None:
            application.keep(models)
        application.logger.info("%s", start_line(monitor))
        return monitor

    def _new_monitor(self, application: Application[Any], settings: Settings) -> Monitor:
        return Monitor(
            self._options.get("baseline"),
            self._options.get("log"),
            settings=settings,
            registry=self._options.get("registry", REGISTRY),
            policy=self._options.get("policy"),
            raises=application.raises,
            sender=application.sender,
        )

    @overload
    def predict(self, view: Callable[P, T], /) -> Callable[P, T]: ...

    @overload
    def predict(
        self,
        view: None = None,
        /,
        *,
        features: Source = ...,
        output: Source = ...,
        segments: SegmentSource | None = ...,
        model: str | None = ...,
    ) -> Callable[[Callable[P, T]], Callable[P, T]]: ...

    def predict(
        self,
        view: Callable[..., Any] | None = None,
        /,
        *,
        features: Source = None,
        output: Source = None,
        segments: SegmentSource | None = None,
        model: str | None = None,
    ) -> Any:
        """Decorate a view: each answer with a status below 400 is a prediction.

        The view keeps its signature. Its answer is sent unchanged, with the header
        `X-Prediction-Id`. Parts that the view sets in `boxkite.current_prediction` override the
        sources.

        Args:
            view: The view, if the decorator is used without parentheses.
            features: A key path into the JSON body, names to pick from it, a callable of the
                request, or None for the whole body. It yields one row, or several for a batch.
            output: A key path into the returned object, names to pick from it, a callable of the
                returned object, or None for the whole object. It yields one value for each row.
            segments: The values of the baseline's segment columns that are no features: a key path
                into the JSON body, a callable of the request, or a mapping from the name of a
                column to either. It yields one value for the request, or one for each row.
            model: The name of the model that the view uses. By default it is the model of this
                extension, or the application's first one if another extension set it up.

        Raises:
            TypeError: if a source or the view has an unsupported type.
            ConfigError: if a list of names has some of the baseline's and some others. If Boxkite
                is not set up yet, the first request reports it.
        """
        if view is not None and not callable(view):
            raise TypeError(
                f"predict({view!r}) does not say which source this is; use "
                f"predict(features={view!r}) or predict(output={view!r})"
            )

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            if isinstance(view, type):
                raise TypeError(f"{view.__name__} is a class; decorate its methods instead")
            name = getattr(view, "__name__", type(view).__name__)
            awaited = self.awaits_sources
            capture = Capture(features, output, name, segments=segments, awaited=awaited)
            for baseline in self._baselines if model is None else ():
                capture.check(baseline)
            wrapper: Any = MonitoredView(self, capture, name, model).wrap(view)
            # FastAPI before 0.115 resolves text annotations in the wrapper's module, where the
            # view's names are unknown. So resolve them here, unless one of the names is only
            # defined later.
            with suppress(Exception):
                wrapper.__signature__ = signature(view, eval_str=True)
            mark_decorated(view, wrapper, name)
            return wrapper  # type: ignore[no-any-return]

        return decorate if view is None else decorate(view)

    def features(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function whose result is taken as the features during a request."""
        return captured(function, "features")

    def output(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function whose result is taken as the output during a request."""
        return captured(function, "output")

    def locate(self, view: str, model: str | None) -> tuple[Exchange, Monitor] | None:
        """Return the current request and the monitor that counts a view's predictions.

        In a mounted application, this also finds models of the applications around it.

        Args:
            view: The view's name, for messages.
            model: The model that the view uses; None for this extension's own.

        Returns:
            None if nothing is monitored. An unknown model is reported.
        """
        found = self._find(model)
        if found is not None:
            return found
        exchange = self.current_exchange()
        if exchange is None:
            self._report_unmonitored(view)
            return None
        monitor = self._first(exchange, model, "features", f"view {view!r}")
        return None if monitor is None else (exchange, monitor)

    def _find(self, model: str | None) -> tuple[Exchange, Monitor] | None:
        exchange = self.current_exchange()
        while exchange is not None:
            monitor = exchange.models.find(self, model)
            if monitor is not None:
                return exchange, monitor
            exchange = exchange.outer
        return None

    def log_outcome(self, prediction_id: str, outcome: Any, *, model: str | None = None) -> None:
        """Take the true outcome of a prediction, see `Monitor.log_outcome`.

        Call it in the handler that receives labels. Outside of a request, this works if the
        extension monitors one application.

        Args:
            prediction_id: The id in the header `X-Prediction-Id` of the prediction's response.
            outcome: What really happened, as in `Baseline.fit(outcome=)`.
            model: The name of the model that predicted, as in `predict`.

        Raises:
            ConfigError: only under `TESTING`, if the monitor takes no labels. Otherwise this is
                counted and reported.
            LookupError: only under `TESTING`, if the application has no such model.
        """
        monitor = self._outcome_monitor(model)
        if monitor is not None:
            monitor.log_outcome(prediction_id, outcome)

    def _outcome_monitor(self, model: str | None) -> Monitor | None:
        found = self._find(model)
        if found is not None:
            return found[1]
        exchange = self.current_exchange()
        if exchange is None:
            return self._only_monitor(model)
        return self._first(exchange, model, "outcome", "log_outcome()")

    def _only_monitor(self, model: str | None) -> Monitor | None:
        """Return the monitor of a label outside of a request. If it is not clear, log that."""
        monitors = [each for each in self._monitors if model in (None, each.baseline.model)]
        if len(monitors) == 1:
            return monitors[0]
        if not self._switched_off:
            _logger.warning(
                "boxkite outcome: a label%s is lost, because log_outcome() was called outside of a "
                "request, and this Boxkite has %d monitors. Call log_outcome() of the monitor "
                "instead",
                "" if model is None else f" of model {model!r}",
                len(monitors),
            )
        return None

    def _first(
        self, exchange: Exchange, model: str | None, stage: str, where: str
    ) -> Monitor | None:
        """Return the monitor for an extension that has none in the application of a request.

        Returns:
            The application's first monitor. None if the setting `ENABLED` has switched this
            extension off there, or if it names a model, which is then reported as unknown.
        """
        models = exchange.models
        if models.app() in self._switched_off:
            return None
        if model is None:
            return models.first
        known = ", ".join(map(repr, models))
        problem = LookupError(f"the application has no model {model!r}; it has {known}")
        models.first.reporter.report(stage, problem, where)
        return None

    def _report_unmonitored(self, view: str) -> None:
        """Log once that a decorated view ran in an application without a monitor."""
        if self._told_unmonitored:
            return
        application = self.unmonitored_application()
        if application is None and (self.knows_requests or self._baselines or _partly_off):
            return
        if application is not None and application.app in _partly_off:
            return
        self._told_unmonitored = True
        problem = (
            f"view {view!r} is decorated, but its application has no monitor, so nothing is "
            "counted; call Boxkite(app) where the application is made"
        )
        _logger.warning("boxkite features: %s", problem)
        if application is not None and application.raises():
            raise ConfigError(problem)
