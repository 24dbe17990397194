"""Prometheus metrics of customer service."""

from prometheus_client import Counter, Histogram

TURNS = Counter("kuajie_assist_turns_total", "Messages of people that were answered, by outcome.", ["outcome"])
HAND_OFFS = Counter("kuajie_assist_hand_offs_total", "Conversations handed to a person, by reason.", ["reason"])
CONVERSATIONS = Counter(
    "kuajie_assist_conversations_total",
    "Conversations that began with a first message, and those of them that were handed to a person, once each.",
    ["step"],
)
for step in ("begun", "handed_off"):
    CONVERSATIONS.labels(step)  # a share of what never happened is 0, not unknown
TURN_SECONDS = Histogram(
    "kuajie_assist_turn_duration_seconds",
    "Time from a message's text to its answer, the database not counted.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
PASSAGES_EMBEDDED = Counter("kuajie_assist_passages_embedded_total", "Passages of knowledge that got an embedding.")
PASSAGES_SET_ASIDE = Counter(
    "kuajie_assist_passages_set_aside_total", "Passages on which the model fails: no embedding."
)
DELETED = Counter("kuajie_assist_conversations_deleted_total", "Conversations deleted by age.")
