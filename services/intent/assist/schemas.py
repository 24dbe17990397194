"""Wire types of customer service: conversations, hand-offs, corrections, analytics. The knowledge base has its own file."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from services.intent.assist.turns import Outcome, Owner, Reason
from services.intent.labels import LABELS, Sentiment
from services.intent.schemas import Text
from services.kit.wire import DEFAULT_LOCALE, EdgeModel, ExternalId, Locale, MessageModel, Timestamp

Channel = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
HandOffStatus = Literal["waiting", "claimed", "given_back", "closed"]


def _a_label(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"a label is one of {', '.join(LABELS)}")
    return label


Label = Annotated[str, AfterValidator(_a_label), Field(json_schema_extra={"enum": list(LABELS)})]


class ConversationRequest(EdgeModel):
    """Who begins to talk."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": "u1", "locale": "zh-CN", "channel": "app"}]})

    user_id: ExternalId
    locale: Locale = Field(DEFAULT_LOCALE, description="The language until a message shows another.")
    channel: Channel | None = Field(None, description="Where the person writes: your own word for it.")


class Conversation(MessageModel):
    """A conversation as it stands. `owner` says whose turn it is to answer."""

    conversation_id: str
    user_id: str
    owner: Owner
    version: int = Field(description="Grows with every change.")
    locale: Locale
    channel: str | None
    messages: int = Field(description="How many there are.")
    hand_offs: int = Field(description="How often a person took over.")
    agent_id: str | None = Field(description="Who has it, when somebody has.")
    close_reason: Literal["user", "agent", "expired"] | None
    created_at: Timestamp
    last_message_at: Timestamp
    closed_at: Timestamp | None


class MessageRequest(EdgeModel):
    """What the person writes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "退款多久到账？"}, {"text": "转人工"}]})

    text: Text


class CitationView(MessageModel):
    """The passage that an answer quotes."""

    document_id: str
    version: int
    passage: int
    title: str
    section: str
    url: str | None
    score: float = Field(ge=0, le=1, description="Estimated probability that the passage answers.")


class AssistLink(MessageModel):
    """Where the platform can take the person."""

    rel: str
    href: str
    method: str


class ActionView(MessageModel):
    """What the platform is asked to do; the bot itself does nothing."""

    type: Literal["quote.request", "refund.request"]
    slots: dict[str, Any]


class Heard(MessageModel):
    """What the model understood of a message."""

    label: str
    confidence: float
    in_scope: bool
    sentiment: Sentiment
    model: str


class Message(MessageModel):
    """One message, numbered from 1 within its conversation."""

    number: int
    author: Literal["user", "bot", "agent"]
    text: str
    locale: Locale
    created_at: Timestamp
    outcome: Outcome | None = Field(description="Of a person's message what became of it, of the bot's what it is.")
    heard: Heard | None = None
    retrieval: Literal["hybrid", "lexical"] | None = Field(
        None, description="How the knowledge base was searched: with embeddings and words, or with words alone."
    )
    citations: list[CitationView] = Field(default_factory=list)
    links: list[AssistLink] = Field(default_factory=list)
    action: ActionView | None = None
    agent_id: str | None = None


class HandOff(MessageModel):
    """A person was asked for."""

    hand_off_id: str
    conversation_id: str
    user_id: str
    reason: Reason
    detail: str | None = Field(
        description="With `risk_words` their kind: self_harm, violence, legal, media, fraud or regulator."
    )
    status: HandOffStatus
    agent_id: str | None
    requested_at: Timestamp
    claimed_at: Timestamp | None
    ended_at: Timestamp | None


class HandOffWithTranscript(HandOff):
    """The same, with the whole conversation."""

    transcript: list[Message]


class TurnAnswer(MessageModel):
    """What became of a message. `reply` is null while a person has the conversation."""

    conversation: Conversation
    message: Message
    reply: Message | None
    hand_off: HandOff | None


class HandOffRequest(EdgeModel):
    """Ask for a person without a message, as a button does. A server that names an agent takes the conversation over."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"agent_id": "agent-7"}]})

    agent_id: ExternalId | None = Field(None, description="Who takes it at once; servers only.")


class HandedOff(MessageModel):
    """The conversation, now with a person or waiting for one."""

    conversation: Conversation
    hand_off: HandOff


class ClaimRequest(EdgeModel):
    """Who takes a conversation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"agent_id": "agent-7"}]})

    agent_id: ExternalId


class AgentReply(EdgeModel):
    """What the person at the other end writes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"agent_id": "agent-7", "text": "您好，我来帮您。"}]})

    agent_id: ExternalId
    text: Text


class AgentReplied(MessageModel):
    """The reply, now part of the transcript."""

    conversation: Conversation
    message: Message


class CorrectionRequest(EdgeModel):
    """What a message really meant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"number": 1, "label": "content.refund", "corrected_by": "agent-7"}]}
    )

    number: int = Field(ge=1, le=2**31 - 1, description="The number of the person's message.")
    label: Label
    corrected_by: ExternalId


class Correction(MessageModel):
    """A row of training data: phone numbers, ids and e-mail addresses are masked."""

    conversation_id: str
    number: int
    text: str
    label: str
    lang: Literal["zh", "en"]
    predicted: str | None
    model: str | None
    corrected_by: str
    corrected_at: Timestamp


class Erased(MessageModel):
    """What was deleted of a person."""

    user_id: str
    conversations: int
    messages: int
    corrections: int
