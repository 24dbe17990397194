"""Wire types of the analytics of customer service."""

from pydantic import Field

from services.kit.wire import MessageModel, Timestamp


class Share(MessageModel):
    """A share of `of`, with its 95 % interval (Wilson 1927). `value` is null where there is nothing to have a share of."""

    count: int
    of: int
    value: float | None
    low: float
    high: float


class UnansweredCluster(MessageModel):
    """Questions without an answer that are alike; phone numbers, ids, e-mail addresses and stated names are masked."""

    terms: list[str] = Field(description="What they share, the weightiest first; in Chinese pairs of characters.")
    representative: str = Field(description="The question that is most like all others of the cluster: a name for it.")
    count: int
    examples: list[str]


class Analytics(MessageModel):
    """What happened in a stretch of time."""

    since: Timestamp
    until: Timestamp
    conversations: int
    contained: Share
    hand_offs: dict[str, int]
    turns: dict[str, int]
    labels: dict[str, int]
    not_understood: Share
    knowledge_hits: Share
    unanswered: list[UnansweredCluster]
    unanswered_read: int
