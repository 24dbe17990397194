"""The Open Inference Protocol v2 over REST: health, metadata, inference. The one model is called `intent`, whatever version serves."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from services.intent.asking import asked
from services.intent.binary_tensors import EXTENSION, HEADER, MEDIA_TYPE, apart, packed
from services.intent.faults import TOLD
from services.intent.inference import (
    INPUT,
    binary_of,
    decline_extensions,
    outputs_metadata,
    tensors,
    texts_of,
    wanted_of,
)
from services.intent.inference_schemas import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from services.intent.resources import Held, Resources
from services.intent.serving.engine import NoModel, Served
from services.intent.serving.waiting import Priority
from services.kit.asgi import again, whole_body
from services.kit.errors import BadRequest, NotFound, Problem, Unavailable, invalid_request
from services.kit.identity import Caller, requires
from services.kit.wire import ExternalId

MODEL = "intent"
TAIL = "kuajie.inference_tail"
"""Where a request's scope has what is behind the JSON in its body."""

_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such model, or version at work"}
}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": Problem, "description": "No model serves yet"}}
_BAD: dict[int | str, dict[str, Any]] = {400: {"model": Problem, "description": "A tensor is at fault; it is named"}}


class NotARequest(BadRequest):
    code = "invalid_request"


class Spoken(APIRoute):
    """A route of the protocol. Bodies are JSON under whatever media type, since its clients name none or any.

    Tensors that come as bytes are behind the JSON, in the same body. What does not have the protocol's form is a 400 as it says, not a
    422.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            receive = request.receive
            if (told := request.headers.get(HEADER)) is not None:
                head, scope[TAIL] = apart(await _whole(request), told)
                receive = again(head, receive)
            try:
                return await handle(Request(scope, receive))
            except RequestValidationError as error:
                problem = invalid_request(error.errors())
                raise NotARequest(problem.detail, param=problem.param, **problem.extra) from error

        return checked


async def _whole(request: Request) -> bytes:
    try:
        return await whole_body(request.receive)
    except ClientDisconnect as gone:
        raise BadRequest("The caller went away before the body had come.", param="body") from gone


router = APIRouter(prefix="/v2", tags=["inference"], route_class=Spoken)

Understander = Annotated[Caller, requires("understand")]
Name = Annotated[ExternalId, Path(description="`intent`.")]
Version = Annotated[ExternalId, Path(description="A version that is loaded.")]


class NoSuchModel(NotFound):
    code = "unknown_model"


@router.get("")
async def server_metadata(_: Understander) -> ServerMetadata:
    """Which server this is, and which extensions of the protocol it has."""
    return ServerMetadata(name="kuajie", version="1", extensions=[EXTENSION])


@router.get("/health/live")
async def server_live(_: Understander) -> ServerLive:
    """Whether requests are received."""
    return ServerLive(live=True)


@router.get("/health/ready", responses=_NOT_READY)
async def server_ready(held: Held, _: Understander) -> ServerReady:
    """Whether texts are understood; else 503."""
    _require_ready(held)
    return ServerReady(live=True, ready=True)


@router.get("/models/{name}", responses=_UNKNOWN | _NOT_READY)
async def model_metadata(name: Name, held: Held, _: Understander) -> ModelMetadata:
    """Inputs and outputs of the version that serves."""
    return _metadata(held, _served(held, name))


@router.get("/models/{name}/versions/{version}", responses=_UNKNOWN | _NOT_READY)
async def version_metadata(name: Name, version: Version, held: Held, _: Understander) -> ModelMetadata:
    """Inputs and outputs of a version that is loaded."""
    return _metadata(held, _served(held, name, version))


@router.get("/models/{name}/ready", responses=_UNKNOWN | _NOT_READY)
async def model_ready(name: Name, held: Held, _: Understander) -> ModelReady:
    """Whether the model answers; else 503."""
    _served(held, name)
    return ModelReady(name=MODEL, ready=True)


@router.get("/models/{name}/versions/{version}/ready", responses=_UNKNOWN | _NOT_READY)
async def version_ready(name: Name, version: Version, held: Held, _: Understander) -> ModelReady:
    """Whether a version is loaded, whatever serves; else 404, and 503 while it is being loaded or its device is lost."""
    _served(held, name, version)
    return ModelReady(name=MODEL, ready=True)


@router.post("/models/{name}/infer", response_model=InferResponse, responses=_BAD | _UNKNOWN | TOLD)
async def infer(name: Name, body: InferRequest, request: Request, held: Held, caller: Understander) -> Response:
    """What texts say, by the version that serves."""
    return await _infer(held, _served(held, name), body, request, caller)


@router.post("/models/{name}/versions/{version}/infer", response_model=InferResponse, responses=_BAD | _UNKNOWN | TOLD)
async def infer_by_version(
    name: Name, version: Version, body: InferRequest, request: Request, held: Held, caller: Understander
) -> Response:
    """What texts say, by a version that is loaded."""
    return await _infer(held, _served(held, name, version), body, request, caller)


async def _infer(held: Resources, served: Served, body: InferRequest, request: Request, caller: Caller) -> Response:
    decline_extensions(body)
    texts, wanted = texts_of(body, request.scope.get(TAIL, b"")), wanted_of(body, served.raw)
    priority = Priority.INTERACTIVE if len(texts) == 1 else Priority.BULK
    engine = held.engine
    if wanted.raw:
        shown = await asked(request, lambda expires: engine.ask_raw(served, texts, expires=expires, priority=priority))
        outputs = tensors(wanted.names, [each.said for each in shown], [each.rows for each in shown])
    else:
        answered = await asked(
            request,
            lambda expires: engine.ask(served, texts, tenant=caller.tenant_id, expires=expires, priority=priority),
        )
        outputs = tensors(wanted.names, answered.results, ())
    document = {"model_name": MODEL, "model_version": served.version}
    if body.id is not None:
        document["id"] = body.id
    answer = packed(document, outputs, binary_of(body, wanted.names))
    if answer.tail is None:
        return Response(answer.head, media_type="application/json")
    return Response(answer.head + answer.tail, media_type=MEDIA_TYPE, headers=answer.headers)


def _served(held: Resources, name: str, version: str | None = None) -> Served:
    """A version at work, the one that serves when none is named; raises `NoSuchModel` or `Unavailable`."""
    if name != MODEL:
        raise NoSuchModel(f"There is no model {name!r}, only {MODEL!r}.", param="name")
    if version is not None:
        return _at_work(held, version)
    _require_ready(held)
    return held.engine.serving


def _at_work(held: Resources, version: str) -> Served:
    try:
        served = held.registry.at_work(version)
    except NoModel as missing:
        if held.registry.is_coming(version):
            raise Unavailable(f"Version {version!r} is being loaded.") from missing
        raise NoSuchModel(f"Version {version!r} is not loaded.", param="version") from missing
    if (trouble := served.model.trouble()) is not None:
        raise Unavailable(trouble)
    return served


def _require_ready(held: Resources) -> None:
    if reasons := held.registry.not_ready():
        raise Unavailable("; ".join(reasons))


def _metadata(held: Resources, served: Served) -> ModelMetadata:
    return ModelMetadata(
        name=MODEL,
        versions=held.registry.versions_at_work(),
        platform="onnxruntime_onnx" if served.raw else "kuajie_keyword",
        inputs=[INPUT],
        outputs=outputs_metadata(served.raw),
    )
