"""What every framework's extension shares: its options, its decorators, and the prediction's scope.

An adapter adds how an application is set up, and an `Exchange`: the request at hand.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from inspect import signature
from typing import Any, ClassVar, ParamSpec, TypeVar, overload

from prometheus_client import REGISTRY

from boxkite.errors import ConfigError
from boxkite.monitor import Monitor
from boxkite.settings import Layer, Settings, resolve
from boxkite.web.context import captured
from boxkite.web.drift_page import DriftPage
from boxkite.web.metrics_page import MetricsPage
from boxkite.web.models import Models
from boxkite.web.protection import ProtectedPage, Protection
from boxkite.web.sources import Capture, Source
from boxkite.web.views import Exchange, decorated

__all__ = ["Extension"]

P = ParamSpec("P")
T = TypeVar("T")

_DEBUG_PATH = "/drift"

_MONITOR_OPTIONS = ("baseline", "log", "registry", "policy")
_OPTIONS = (*_MONITOR_OPTIONS, "authorize")


class Extension:
    """Monitors the predictions of an application. Adapters derive from it.

    Args:
        **options: settings by name (`model=`, `metrics_path=` …), `baseline=`, `log=`, `registry=`
            and `policy=` as of `boxkite.Monitor`, and `authorize=`, called with a request for the
            metrics, which tells by True or False whether it is answered; they win over the
            configuration.

    Raises:
        ConfigError: if `authorize` cannot be called.
    """

    _awaits_sources: ClassVar[bool] = False
    """Whether the adapter awaits what a source returns."""

    def __init__(self, **options: Any) -> None:
        authorize = options.get("authorize")
        if authorize is not None and not callable(authorize):
            raise ConfigError(f"authorize={authorize!r}; give a callable of the request")
        self._options = options
        self._switched_off: weakref.WeakSet[Any] = weakref.WeakSet()

    @staticmethod
    def _current_exchange() -> Exchange | None:
        """Return the request at hand; None outside of one, or where nothing is monitored."""
        raise NotImplementedError

    def _set_up(
        self,
        app: object,
        models: Models,
        layers: Sequence[Layer],
        mount: Callable[[ProtectedPage], None],
        raises: Callable[[], bool] = lambda: False,
        debug: bool = False,
    ) -> Monitor | None:
        """Add a monitor to an application's models; return it, None where it is switched off.

        Args:
            app: the application.
            models: it has so far.
            layers: of its configuration.
            mount: gives a page its path in the application.
            raises: tells whether failures of monitoring are raised.
            debug: whether the application is being debugged, and shows the drift page unasked.

        Raises:
            ConfigError: if a setting is unknown or cannot be used, or does not go together with
                the application or with its other models.
        """
        models.check(self)
        settings = resolve(layers, {k: v for k, v in self._options.items() if k not in _OPTIONS})
        if not settings.enabled:
            self._switched_off.add(app)
            return None
        given = {k: v for k, v in self._options.items() if k in _MONITOR_OPTIONS}
        monitor = Monitor(settings=settings, raises=raises, sender=models.app, **given)
        try:
            models.check(self, monitor)
            page = self._page(models, settings)
            if page is not None:
                page.check(monitor, self._protection(settings), self._options.get("registry"))
                if settings.metrics_path not in models.pages:
                    mount(page)
            self._mount_drift(models, settings, mount, debug)
        except BaseException:
            monitor.close(0)
            raise
        models.add(self, monitor)
        if page is not None:
            models.pages[page.path] = page
            page.join(monitor)
        return monitor

    def _page(self, models: Models, settings: Settings) -> MetricsPage | None:
        """Return the page at the path that the settings have, a new one if there is none."""
        path = settings.metrics_path
        if not path:
            return None
        registry = self._options.get("registry", REGISTRY)
        return models.pages.get(path) or MetricsPage(path, self._protection(settings), registry)

    def _mount_drift(
        self,
        models: Models,
        settings: Settings,
        mount: Callable[[ProtectedPage], None],
        debug: bool,
    ) -> None:
        """Show the drift page of all models where the settings, or debugging, ask for it."""
        path = settings.drift_path
        if models.drift is not None or not (path or (path is None and debug)):
            return
        page = DriftPage(path or _DEBUG_PATH, self._protection(settings), models.values)
        try:
            mount(page)
        except ConfigError:
            if path:
                raise
            return  # the application has something else at the path that nobody asked for
        models.drift = page

    def _protection(self, settings: Settings) -> Protection:
        return Protection(settings.metrics_token, self._options.get("authorize"))

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
        model: str | None = ...,
    ) -> Callable[[Callable[P, T]], Callable[P, T]]: ...

    def predict(
        self,
        view: Callable[..., Any] | None = None,
        /,
        *,
        features: Source = None,
        output: Source = None,
        model: str | None = None,
    ) -> Any:
        """Decorate a view: each of its answers below status 400 is a prediction.

        The view keeps its signature, and its answer goes out as it is, with the header
        `X-Prediction-Id`. What the view sets in `boxkite.current_prediction` wins over the
        sources.

        Args:
            view: the view itself, where the decorator stands without parentheses.
            features: a key path into the JSON body, names to pick from it, a callable of the
                request, or None for the whole body; one row, or several for a batch.
            output: a key path into the returned object, names to pick from it, a callable of the
                returned object, or None for the whole of it; as many as there are rows.
            model: name of the model that the view asks; by default the one that this extension
                was set up for or, where another one set the application up, its first.
        """

        if view is not None and not callable(view):
            raise TypeError(f"predict({view!r}): name the source, as features={view!r}")

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            if isinstance(view, type):
                raise TypeError(f"{view.__name__} is a class: decorate its methods with predict")
            name = getattr(view, "__name__", type(view).__name__)
            capture = Capture(features, output, name, awaited=self._awaits_sources)
            wrapper = decorated(view, capture, functools.partial(self._place, name, model))
            with suppress(Exception):
                # Some frameworks look up annotations that are text among the wrapper's globals;
                # here each stands resolved, unless its name is defined only later.
                wrapper.__signature__ = signature(view, eval_str=True)  # type: ignore[attr-defined]
            return wrapper

        return decorate if view is None else decorate(view)

    def features(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request are the model's features."""
        return captured(function, "features")

    def output(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function: what it returns during a request is the model's output."""
        return captured(function, "output")

    def _place(self, view: str, model: str | None) -> tuple[Exchange | None, Monitor | None]:
        """Return the request at hand and what counts a prediction in it, None where nothing does.

        In a mounted application, models of the one around it are found too.
        """
        innermost = exchange = self._current_exchange()
        while exchange is not None:
            monitor = exchange.models.of(self, model)
            if monitor is not None:
                return exchange, monitor
            exchange = exchange.outer
        if innermost is None or innermost.models.app() in self._switched_off:
            return None, None
        if model is None:
            return innermost, innermost.models.first
        known = ", ".join(map(repr, innermost.models))
        problem = LookupError(f"no model {model!r} in the application; it has {known}")
        innermost.models.first.reporter.report("features", problem, f"view {view!r}")
        return None, None
