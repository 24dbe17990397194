"""A synthetic bilingual platform with known truth: people, items and events that nobody lived.

Speaks to the product over HTTP only, as any platform would.
"""

import json

from demo.people import person_id

EXAMPLE_USER = person_id(1)
"""A person with every declared fact, every consent and an answered questionnaire: all five sections have something to say."""

EXAMPLE_ITEM = "demo-item-0119"
"""A talk on the words of insurance policies, for the page that the example is on."""

EXAMPLE_CALL = json.dumps(
    {
        "user_id": EXAMPLE_USER,
        "message": "孩子刚出生，我想买一份重疾险",
        "surface": "course_page",
        "item_id": EXAMPLE_ITEM,
        "locale": "zh-CN",
        "limit": {"content": 10, "insurance": 3},
    },
    ensure_ascii=False,
)
"""The body of the composed call to try first."""
