"""Wire types of the knowledge base."""

from typing import Annotated, Literal

from pydantic import AnyHttpUrl, ConfigDict, Field, StringConstraints

from services.intent.assist.schemas import CitationView
from services.intent.schemas import Text
from services.kit.wire import DEFAULT_LOCALE, EdgeModel, ExternalId, Locale, MessageModel, Timestamp

MAX_CONTENT_CHARS = 200_000

Content = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CONTENT_CHARS, pattern=r"^[^\x00]*$")]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]


class KnowledgeRequest(EdgeModel):
    """A document, whole: sending another content under the same id makes a new version of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document_id": "refunds",
                    "title": "退款说明",
                    "format": "markdown",
                    "content": "## 退款到账时间\n审核通过后 1 到 3 个工作日原路退回。\n",
                    "url": "https://example.com/help/refunds",
                },
                {
                    "document_id": "faq",
                    "title": "FAQ",
                    "format": "csv",
                    "content": "question,answer\nCan I pay cash?,No.\n",
                },
            ]
        }
    )

    document_id: ExternalId
    title: Title = Field(description="What a citation calls it.")
    format: Literal["markdown", "csv"] = Field(
        description="markdown: a passage a section. csv: a passage a row of question,answer and, if wanted, locale,url,tags."
    )
    content: Content
    locale: Locale = Field(DEFAULT_LOCALE, description="The language of what shows none by its letters.")
    url: AnyHttpUrl | None = Field(None, description="Where people can read it.")


class KnowledgeDocument(MessageModel):
    """A document as it stands."""

    document_id: str
    version: int
    title: str
    format: Literal["markdown", "csv"]
    locale: Locale
    url: str | None
    passages: int
    created_at: Timestamp
    updated_at: Timestamp


class PassageView(MessageModel):
    """One passage."""

    number: int
    section: str
    question: str | None
    text: str
    locale: Locale
    url: str | None
    tags: list[str]
    embedded: bool = Field(
        description="Whether it has an embedding, of whatever model version. Without, it is found by its words alone."
    )


class KnowledgeDocumentWithPassages(KnowledgeDocument):
    """A document with all of its passages."""

    content: list[PassageView]


class Imported(MessageModel):
    """The document, and whether this made a new version."""

    document: KnowledgeDocument
    changed: bool


class KnowledgeQuestion(EdgeModel):
    """A question to try the knowledge base with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "退款多久到账？"}]})

    text: Text
    limit: int = Field(5, ge=1, le=20)


class KnowledgeHit(MessageModel):
    """A passage that came near. `answers` when its probability is above the threshold."""

    citation: CitationView
    text: str
    answers: bool


class KnowledgeAnswer(MessageModel):
    """What the bot would go by. `retrieval` is null when nothing is known at all."""

    retrieval: Literal["hybrid", "lexical"] | None
    data: list[KnowledgeHit]
