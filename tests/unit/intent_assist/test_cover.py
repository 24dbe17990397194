"""How much of a question a passage holds, by characters; and that one which holds more than all others stands out."""

import numpy as np
import pytest

from services.intent.assist.knowledge.bm25 import Common
from services.intent.assist.knowledge.cover import Cover
from services.intent.assist.knowledge.index import Index, Indexed
from services.intent.assist.knowledge.ranking import FEATURES, Ranking
from services.intent.assist.knowledge.terms import pieces

FLAT = {mode: Ranking((0.0,) * len(FEATURES[mode]), 0.0, 0.5) for mode in FEATURES}


def test_pieces_are_single_characters_that_say_something_and_stems() -> None:
    assert pieces("我的保单能退吗？") == {"保", "单", "退"}
    assert pieces("Cancelled policies") == {"cancel", "policy"}


def test_a_share_is_of_the_weight_of_what_is_asked_and_rare_pieces_weigh_more() -> None:
    share = Cover([({"退"}, {"保"}), (set(), {"保"}), (set(), set())]).share({"退", "保"})
    assert share.whole[0] == pytest.approx(1.0)
    assert 0.0 < share.whole[1] < 0.5
    assert share.whole[2] == 0.0
    assert share.heading.tolist() == pytest.approx([1 - share.whole[1], 0.0, 0.0])


def test_what_no_passage_has_counts_against_all() -> None:
    cover = Cover([({"refund"}, set())])
    assert cover.share({"refund", "invoice"}).whole[0] < 0.5
    assert cover.share(set()).whole.tolist() == [0.0]


def test_the_passage_that_holds_most_of_a_question_leads() -> None:
    passages = [
        Indexed(("d", 1), "帮助 › 停课", "停课后学分保留。", "zh-CN"),
        Indexed(("d", 2), "帮助 › 选课", "每学期选课一次。", "zh-CN"),
    ]
    places, features = Index(passages, None, FLAT, Common(100, {})).candidates("停课学分", "zh-CN", None)
    named = {name: features[:, at] for at, name in enumerate(FEATURES["lexical"])}
    order = np.argsort(places)
    assert named["share_lead"][order][0] > 0
    assert named["heading_lead"][order][0] > 0
    assert len(order) == 1 or named["share_lead"][order][1] < 0
