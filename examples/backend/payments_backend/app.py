"""The HTTP face: routes, what status each error has, and what lives as long as a worker does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from multiwallet import AsyncEndpointPool, errors
from multiwallet.store import Outgoing, State, Store
from multiwallet.telemetry import JsonFormatter

from .gate import Gate, Tokens
from .health import Health
from .keys import open_wallet
from .messages import Order, OrderId, Payment, PaymentPage
from .metrics import Metrics, to_opentelemetry
from .payments import Busy, Payments, UnknownOrder, order_of
from .reconciler import reconcile
from .settings import Settings

__all__ = ["create_app"]

_log = logging.getLogger("payments_backend")
_PATIENCE: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # seconds between the tries to open the store

# The first that fits counts. What is not here is ours to mend, and a 500.
_STATUSES: Final[tuple[tuple[type[errors.MultiwalletError], int], ...]] = (
    (UnknownOrder, 404),
    (errors.IdempotencyConflict, 409),
    (errors.InputError, 422),
    (errors.UnknownNetwork, 422),
    (errors.Unsupported, 422),
    (errors.InsufficientFunds, 402),
    (errors.ChainError, 409),
    (Busy, 503),
    (errors.TransportError, 503),
    (errors.StoreError, 503),
)


def create_app(settings: Settings | None = None, metrics: Metrics = to_opentelemetry) -> FastAPI:
    """The application of one worker process; ``uvicorn --factory`` calls it. Settings come from the environment."""
    settings = settings or Settings.from_environment()
    _log_as_json()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(app, settings, metrics):
            _log.info("ready")
            yield
            _log.info("stopping")

    # No pages of documentation: nobody without a token learns anything, and browsers have none.
    app = FastAPI(title="Payments", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Gate, tokens=Tokens(settings.token_file), metrics=metrics)
    app.add_exception_handler(errors.MultiwalletError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    _add_routes(app, metrics)
    return app


@asynccontextmanager
async def _opened(app: FastAPI, settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Store, endpoints, wallet and reconciler; closed in the other order, after what was being sent."""
    async with AsyncExitStack() as stack:
        store = await _store(settings)
        stack.callback(store.close)
        pool = await stack.enter_async_context(AsyncEndpointPool(dict(settings.endpoints)))
        wallet = await stack.enter_async_context(open_wallet(settings, pool))
        outbox = wallet.open_outbox(store, settings.policy())
        payments = Payments(wallet, outbox, settings, metrics)
        stop = asyncio.Event()
        worker = asyncio.create_task(reconcile(outbox, stop, metrics))
        app.state.payments = payments
        app.state.health = Health(payments, pool, worker)
        try:
            yield
        finally:
            stop.set()
            await payments.finish(settings.grace)
            await _ended(worker, settings.grace)


async def _store(settings: Settings) -> Store:
    """The store, once the database answers. A worker that gives up at once takes uvicorn's supervisor with it."""
    for pause in (*_PATIENCE, None):
        try:
            return await asyncio.to_thread(settings.open_store)
        except errors.StoreError as error:
            if pause is None:
                raise
            _log.warning("the store cannot be opened yet: %s", error.message)
            await asyncio.sleep(pause)
    raise AssertionError("the last round returns or raises")


async def _ended(worker: asyncio.Task[None], seconds: float) -> None:
    _, left = await asyncio.wait({worker}, timeout=seconds)
    if left:  # it waits for a slow node: what it holds is free again when its lease has run out
        worker.cancel()
        await asyncio.wait({worker}, timeout=1)
    elif worker.exception() is not None:
        _log.error("looking after payments had ended before", exc_info=worker.exception())


def _add_routes(app: FastAPI, metrics: Metrics) -> None:
    def payments() -> Payments:
        found: Payments = app.state.payments
        return found

    @app.post("/payments", status_code=202)
    async def make(order: Order) -> Payment:
        try:
            record = await payments().make(order)
        except errors.MultiwalletError as error:
            metrics("payments.answered", 1, {"result": error.code, "network": order.network})
            raise
        metrics("payments.answered", 1, {"result": record.state.value, "network": record.network})
        return _shown(record)

    @app.get("/payments")
    async def listed(
        state: Annotated[list[State] | None, Query()] = None,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> PaymentPage:
        records, following = await payments().listed(state or (), after, limit)
        return PaymentPage(payments=[_shown(record) for record in records], next=following)

    @app.get("/payments/{order_id}")
    async def get(order_id: Annotated[OrderId, InPath()]) -> Payment:
        return _shown(await payments().get(order_id))

    @app.post("/payments/{order_id}/cancel", status_code=202)
    async def cancel(order_id: Annotated[OrderId, InPath()]) -> Payment:
        try:
            return _shown(await payments().cancel(order_id))
        except errors.InputError as error:
            raise errors.IdempotencyConflict(error.message) from error  # the order is fine, it is too late: 409

    @app.get("/health")
    async def health() -> JSONResponse:
        well, told = await app.state.health.look()
        return JSONResponse(told, 200 if well else 503)


def _shown(record: Outgoing) -> Payment:
    (transfer,) = record.request["transfers"]
    told = record.receipt or {}
    return Payment(
        order_id=order_of(record),
        key=record.key,
        network=record.network,
        to=transfer["to"],
        amount=transfer["amount"],
        asset=transfer["asset"],
        state=record.state.value,
        final=record.is_final,
        cancelling=record.cancelling,
        txid=told.get("txid", record.txid) if record.is_final else record.txid,
        confirmations=told.get("confirmations", 0),
        fee=told.get("fee"),
        error=record.error,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


async def _told(request: Request, error: Exception) -> JSONResponse:
    """An error of the library as HTTP. Its message holds no secret, and says what to do."""
    assert isinstance(error, errors.MultiwalletError)
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status >= 500:
        _log.warning("%s %s: %s: %s", request.method, request.url.path, error.code, error.message)
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse({"error": {"code": error.code, "message": error.message}}, status, headers)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    """What is no request of ours, in the same form. What was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    wrong: list[dict[str, Any]] = [
        {"at": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors()
    ]
    message = "; ".join(f"{item['at']}: {item['message']}" for item in wrong[:5])
    return JSONResponse({"error": {"code": "invalid_request", "message": message}}, 422)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself (no such route, a body that is no JSON), in the same form."""
    assert isinstance(error, HTTPException)
    told = {"error": {"code": "not_found" if error.status_code == 404 else "invalid_request", "message": error.detail}}
    return JSONResponse(told, error.status_code, error.headers)


def _log_as_json() -> None:
    """One JSON object a line, for what the library and this package have to say; uvicorn keeps its own."""
    for name in ("multiwallet", "payments_backend"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler.formatter, JsonFormatter) for handler in logger.handlers):
            handler = logging.StreamHandler()
            handler.setFormatter(JsonFormatter())
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
