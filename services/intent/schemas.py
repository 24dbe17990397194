"""Wire types of intent."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.intent.inference_schemas import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from services.intent.labels import LABELS, Sentiment
from services.intent.model_schemas import AgreementView, ModelView, ShadowRequest
from services.intent.writing import unwritten
from services.kit.wire import EdgeModel, Locale, MessageModel

__all__ = [
    "AgreementView",
    "InferRequest",
    "InferResponse",
    "ModelMetadata",
    "ModelName",
    "ModelReady",
    "ModelView",
    "ServerLive",
    "ServerMetadata",
    "ServerReady",
    "ShadowRequest",
    "Text",
    "UnderstandRequest",
    "UnderstandResponse",
    "UnderstandingResult",
]

MAX_TEXTS = 64
MAX_TEXT_CHARS = 2_000
_SAID = {
    "blank_text": "The text is blank.",
    "binary_text": "The text holds control characters: it looks like binary data.",
}


def written(text: str) -> str:
    """A text that somebody wrote."""
    if (why := unwritten(text)) is not None:
        raise PydanticCustomError(why, _SAID[why])
    return text


Text = Annotated[str, StringConstraints(strict=True, max_length=MAX_TEXT_CHARS), AfterValidator(written)]


class UnderstandRequest(EdgeModel):
    """One text or many, exactly one of the two fields."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "我想买一份重疾险", "locale": "zh-CN"},
                {"texts": ["退款多久到账", "talk to a human"]},
            ]
        }
    )

    text: Text | None = Field(None, description=f"One text of 1 to {MAX_TEXT_CHARS} characters.")
    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)] | None = Field(
        None, description=f"1 to {MAX_TEXTS} texts, each of 1 to {MAX_TEXT_CHARS} characters."
    )
    locale: Locale | None = Field(None, description="A hint; the language is seen from the text itself.")

    @model_validator(mode="after")
    def one_of_two(self) -> Self:
        if (self.text is None) == (self.texts is None):
            raise PydanticCustomError("text_or_texts", "Give exactly one of text and texts.")
        return self

    def all_texts(self) -> list[str]:
        return [self.text] if self.text is not None else list(self.texts or ())


class UnderstandingResult(MessageModel):
    """What one text says."""

    label: str = Field(
        description=f"What the person wants: one of {', '.join(LABELS)}. Where the installation lets a model with labels of its own "
        "serve (KUAJIE_INTENT_FOREIGN_LABELS), one of those."
    )
    confidence: float = Field(ge=0, le=1, description="Probability of the label.")
    in_scope: bool = Field(description="False when the text is about something else, or says nothing we know.")
    sentiment: Sentiment
    topics: list[str] = Field(description="Product categories and content domains it speaks of, strongest first.")
    purchase: float = Field(ge=0, le=1, description="How likely the person is about to buy.")


class ModelName(MessageModel):
    """Who answered."""

    name: str
    version: str


class UnderstandResponse(MessageModel):
    """One result a text, in the order of the request."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {
                            "label": "insurance.buy",
                            "confidence": 0.93,
                            "in_scope": True,
                            "sentiment": "neutral",
                            "topics": ["critical-illness"],
                            "purchase": 0.94,
                        }
                    ],
                    "model": {"name": "keyword", "version": "1-5e2ab3a1"},
                }
            ]
        }
    )

    results: list[UnderstandingResult]
    model: ModelName
