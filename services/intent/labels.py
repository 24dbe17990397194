"""The vocabulary of intent: labels, sentiments and topics, as they travel on the wire."""

from typing import Literal, get_args

Sentiment = Literal["negative", "neutral", "positive"]

OUT_OF_SCOPE = "out_of_scope"

LABELS: tuple[str, ...] = (
    "content.search",
    "content.ask",
    "content.price",
    "content.buy",
    "content.refund",
    "content.access",
    "subscription.manage",
    "order.status",
    "account.help",
    "promo.ask",
    "feedback.complaint",
    "feedback.praise",
    "insurance.learn",
    "insurance.compare",
    "insurance.quote",
    "insurance.buy",
    "insurance.eligibility",
    "insurance.coverage",
    "insurance.claim",
    "insurance.cancel",
    "loan.ask",
    "instalment.ask",
    "invest.learn",
    "invest.advice",
    "risk.assess",
    "privacy.request",
    "human.agent",
    "greeting",
    "thanks_bye",
    OUT_OF_SCOPE,
)

PRODUCT_TOPICS: tuple[str, ...] = (
    "critical-illness",
    "medical",
    "accident",
    "travel",
    "life",
    "annuity",
    "tuition",
    "device",
    "instalment",
    "loan",
    "fund",
)
CONTENT_TOPICS: tuple[str, ...] = ("tech", "finance", "health", "culture", "education", "travel", "parenting")
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(PRODUCT_TOPICS + CONTENT_TOPICS))
"""Product categories and content domains; `travel` is both a kind of insurance and a domain."""

OpinionTopic = Literal[
    "regulation",
    "product",
    "service",
    "claims",
    "fees",
    "fraud_security",
    "market",
    "company",
    "macro",
    "technology",
    "other",
]
OPINION_TOPICS: tuple[str, ...] = get_args(OpinionTopic)
"""What news and comments are about; opinion monitoring counts by these."""
