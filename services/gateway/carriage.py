"""What crosses the gateway with a forwarded request, and the problems that stand for an answer that never came."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fastapi import Response

from services.kit.errors import PROBLEM_JSON, DeadlineExceeded, ServiceError, Unavailable
from services.kit.http import BackendInvalid, BackendRefused, BackendTimeout, BackendUnavailable, RawAnswer
from services.kit.resilience import BulkheadFull
from services.kit.telemetry import get_logger

log = get_logger(__name__)

INFERENCE_LENGTH = "inference-header-content-length"
"""Under the Open Inference Protocol: how many bytes of a body are JSON, where tensors are behind it as bytes."""

CARRIED_THERE = (
    "content-type",
    "accept",
    "idempotency-key",
    "if-none-match",
    "if-match",
    "tracestate",
    INFERENCE_LENGTH,
)
"""Headers of the caller that a back end sees. Never Authorization: back ends get the internal token."""

CARRIED_BACK = (
    "content-type",
    "etag",
    "last-modified",
    "cache-control",
    "vary",
    "location",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "idempotent-replayed",
    "content-disposition",
    "content-language",
    "deprecation",
    "sunset",
    "link",
    INFERENCE_LENGTH,
)
"""Headers of a back end that the caller sees."""


class BackendDown(Unavailable):
    code = "backend_unavailable"


class Overloaded(Unavailable):
    code = "overloaded"


class BackendFailed(ServiceError):
    status_code = 502
    code = "backend_failed"


class EncodedBody(ServiceError):
    status_code = 415
    code = "unsupported_content_encoding"


@contextmanager
def told_as_problems(service: str) -> Iterator[None]:
    """Failures to reach `service` as what the caller is told."""
    try:
        yield
    except BulkheadFull as error:
        raise Overloaded(f"{service} has too much to do now.") from error
    except BackendTimeout as error:
        raise DeadlineExceeded(f"{service} did not answer before the deadline.") from error
    except BackendUnavailable as error:
        raise BackendDown(f"{service} cannot be reached now.") from error
    except (BackendRefused, BackendInvalid) as error:
        raise BackendFailed(f"{service} gave no usable answer.") from error


def response_of(service: str, answer: RawAnswer) -> Response:
    """The answer as it came, unless it says nothing that a caller could use."""
    headers = carried(answer.headers, CARRIED_BACK)
    if answer.status == 401:  # It is about our token, and not about the caller's credential.
        log.error("internal_token_refused", backend=service)
        raise BackendDown(f"{service} and the gateway do not agree on the internal keys.")
    if answer.status >= 400 and not headers.get("content-type", "").startswith(PROBLEM_JSON):
        raise BackendFailed(f"{service} answered {answer.status} without saying why.")
    return Response(answer.body, answer.status, headers)


def carried(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """The headers of `names` that are there."""
    return {name: value for name in names if (value := headers.get(name)) is not None}
