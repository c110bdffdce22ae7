"""An adapter of boxkite for Quart, made of public names. docs/guides/adapters.md explains it."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Unpack, cast

from quart import Quart, Request, Response, after_this_request, current_app, has_request_context
from quart import request as current_request
from quart.typing import AfterRequestCallable
from quart.wrappers.response import DataBody

from boxkite import adapters


class QuartExchange:
    """One request of Quart, and its response."""

    outer = None  # Quart does not mount one application in another

    def __init__(self, models: adapters.Models) -> None:
        self.models = models
        self._body: bytes | None = None
        self._response = Response()

    def log_when_answered(self, pending: adapters.PendingPrediction) -> None:
        async def log(response: Response) -> Response:
            if response.status_code < 400:
                await self._keep(response)
                response.headers.update(await pending.log_awaiting())
            return response

        after_this_request(cast(AfterRequestCallable, log))

    def announce(self, pending: adapters.PendingPrediction) -> None:
        async def add_header(response: Response) -> Response:
            await self._keep(response)
            response.headers[adapters.PREDICTION_ID_HEADER] = pending.id
            return response

        after_this_request(cast(AfterRequestCallable, add_header))

    async def _keep(self, response: Response) -> None:
        self._response = response
        # Quart collects the body while the view runs. If a part is still missing, the view did not
        # need it, and the client may never send it. So do not wait.
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                self._body = await current_request.body

    def request(self) -> Request:
        return current_request

    def body(self) -> bytes:
        if self._body is None:
            raise ValueError("the view did not read the whole request body")
        return self._body

    def content_encoding(self) -> str:
        return current_request.headers.get("Content-Encoding", "")

    def content(self, returned: Any) -> Any:
        # These need no parsing. Quart has made a response of everything else.
        if type(returned) in (dict, list):
            return returned
        body = self._response.response
        return adapters.Content(body.data if isinstance(body, DataBody) else None)

    def media_type(self, returned: Any) -> str:
        # Quart calls the text that a view returns HTML.
        is_text = isinstance(returned, str | tuple)
        return "text/plain" if is_text else self._response.mimetype or ""


class QuartApplication(adapters.Application[Quart]):
    """One application of Quart."""

    @property
    def models(self) -> adapters.Models | None:
        return self.app.extensions.get("boxkite_models")

    def keep(self, models: adapters.Models) -> None:
        async def close() -> None:
            await asyncio.to_thread(models.close)

        self.app.extensions["boxkite_models"] = models
        self.app.after_serving(close)

    def mount(self, page: adapters.Page) -> None:
        limit = asyncio.Semaphore(page.threads)

        async def show(rest: str = "") -> Response:
            asked = await _asked(rest)
            verdicts = [(each, await _verdict(each)) for each in page.to_ask(asked)]
            answer = page.respond(asked, verdicts)
            if not isinstance(answer, adapters.PageAnswer):
                async with limit:
                    answer = await asyncio.to_thread(answer.render)
            return Response(answer.body, answer.status, answer.headers)

        for path in [page.path, f"{page.path}/<path:rest>"][: 1 + page.has_subpaths]:
            self.app.add_url_rule(path, f"boxkite {page.path}", show, methods=list(page.methods))

    def route_at(self, path: str) -> str | None:
        for rule in self.app.url_map.iter_rules():
            ours = rule.endpoint.startswith("boxkite ")
            if rule.rule == path and not ours and "GET" in (rule.methods or {"GET"}):
                return f"the endpoint {rule.endpoint!r}"
        return None

    @property
    def layers(self) -> Sequence[adapters.Layer]:
        return [(self.app.config, "BOXKITE_"), (os.environ, "QUART_BOXKITE_")]

    @property
    def debug(self) -> bool:
        return self.app.debug

    @property
    def testing(self) -> bool:
        return self.app.testing


async def _verdict(authorize: adapters.Authorize) -> object:
    try:
        verdict: object = await current_app.ensure_async(authorize)(current_request)
    except Exception as error:  # noqa: BLE001 - it is the user's code, and a failure denies access
        return error
    return verdict


async def _asked(rest: str) -> adapters.PageRequest:
    return adapters.PageRequest(
        query=current_request.args.to_dict(flat=False),
        accept=current_request.headers.get("Accept", ""),
        accept_encoding=current_request.headers.get("Accept-Encoding", ""),
        prefix=current_request.root_path,
        rest=rest,
        authorization=current_request.headers.get("Authorization", ""),
        cookies=current_request.headers.get("Cookie", ""),
        method=current_request.method,
        body=await current_request.body,
        is_secure=current_request.is_secure,
    )


class Boxkite(adapters.Extension):
    """Monitors the predictions of Quart applications; takes options as `boxkite_flask` does."""

    awaits_sources = True

    def __init__(self, app: Quart | None = None, **options: Unpack[adapters.Options]) -> None:
        super().__init__(**options)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        self.set_up(QuartApplication(app))

    def current_exchange(self) -> QuartExchange | None:
        models = current_app.extensions.get("boxkite_models") if has_request_context() else None
        return None if models is None else QuartExchange(models)
