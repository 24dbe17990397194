"""Wire types of the Open Inference Protocol v2 (https://github.com/kserve/open-inference-protocol), REST."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StrictInt, StringConstraints

from services.kit.wire import EdgeModel, MessageModel

Parameters = Annotated[dict[str, str | int | float | bool], Field(max_length=64)]
"""None is known here, so they change nothing; what asks for an extension of another server is refused."""
TensorName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class RequestInput(EdgeModel):
    """A tensor that is sent. What it must be is checked with its name at hand, so that the error can tell it."""

    name: TensorName
    shape: list[StrictInt] = Field(max_length=8, description="[n] or [n, 1]")
    datatype: str = Field(max_length=16, description="BYTES")
    parameters: Parameters | None = None
    data: list[Any] | None = Field(None, description="n strings, flat or as rows of one")


class RequestOutput(EdgeModel):
    """A tensor that is asked for."""

    name: TensorName
    parameters: Parameters | None = None


class InferRequest(EdgeModel):
    """What is asked of a model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "42",
                    "inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": ["退款多久到账", "hello"]}],
                    "outputs": [{"name": "label"}, {"name": "confidence"}],
                }
            ]
        }
    )

    id: str | None = Field(None, max_length=256, description="Comes back with the answer.")
    parameters: Parameters | None = None
    inputs: list[RequestInput] = Field(max_length=8)
    outputs: list[RequestOutput] | None = Field(
        None,
        max_length=64,
        description="By default, and when empty, all outputs of the version, logits and embedding included.",
    )


class OutputTensor(MessageModel):
    """A tensor of the answer; `data` is flat, row after row."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferResponse(MessageModel):
    """The answer of a model."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class ServerMetadata(MessageModel):
    name: str
    version: str
    extensions: list[str]


class ServerLive(MessageModel):
    live: bool


class ServerReady(MessageModel):
    """The protocol's text calls the member `live`, its clients read the status, and other servers say `ready`."""

    live: bool
    ready: bool


class ModelReady(MessageModel):
    name: str
    ready: bool


class TensorMetadata(MessageModel):
    """-1 is as many as there are texts."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(MessageModel):
    name: str
    versions: list[str] = Field(description="Those that can be asked for now.")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
