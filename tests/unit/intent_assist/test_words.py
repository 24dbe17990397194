"""What is heard before any model: the wish for a person, words of risk, yes and no."""

import time

import pytest

from services.intent.assist.reading import is_question, language
from services.intent.assist.words import load_words

WORDS = load_words()


@pytest.mark.parametrize(
    "text",
    [
        "人工", "转人工", "那人工吧", "ok human", "转 人 工", "轉人工", "请帮我转人工客服", "人工客服在吗", "找个真人聊",
        "我要人工！！", "人工智能客服没用，转人工",
        "zrg",
        "human", "HUMAN", "I want a human", "can I talk to a real person please",
        "agent pls", "let me speak to someone", "connect me to support",
        "ｈｕｍａｎ", "hu\u200bman",
        "为什么不转人工", "再不转人工我就走了", "要不转人工吧", "要不要转人工", "怎么还不给我转人工", "不能转人工吗",
        "叫你们经理来", "i want to speak w a human", "can i talk to sb", "give me a call", "let me talk to ur manager",
        "why can't I talk to a human", "don't you have a real person", "if i don't talk to a human now I'm leaving",
    ],
)  # fmt: skip
def test_a_wish_for_a_person_is_heard(text: str) -> None:
    assert WORDS.wants_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "人工智能的课有吗", "人工费多少", "不要转人工，我自己看",
        "不想转人工，就问一下退款", "别急着转人工", "我不想找人工客服", "先不用给我转人工",

        "i dont want to speak to an agent", "can I sort this out without having to talk to a human",
        "在哪里找个人中心", "怎么更换个人信息", "想找个人贷款", "你们领导力的课", "I am a manager, which course fits me",
        "we need a human resources course", "a representative sample",
        "人体解剖", "human anatomy course", "human resources lessons",
        "estate agent exam",
        "don't transfer me to an agent", "customer service training course", "客服岗位培训课",
    ],
)  # fmt: skip
def test_what_only_sounds_like_it_is_not(text: str) -> None:
    assert not WORDS.wants_human(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("我不想活了", "self_harm"),
        ("I want to kill myself", "self_harm"),
        ("我被骗了三万块", "fraud"),
        ("this is a scam", "fraud"),
        ("我要打12315投诉", "regulator"),
        ("I'll report you to the ombudsman", "regulator"),
        ("等着收律师函吧", "legal"),
        ("you will hear from my lawyer", "legal"),
        ("我要找媒体曝光你们", "media"),
        ("I'm going to the press", "media"),
        ("被骗了，我要起诉你们", "fraud"),
        ("订单号12315678", None),
        ("有没有防诈骗的课", None),
        ("民事诉讼法谁讲得好", None),
        ("活着没什么意思了", "self_harm"),
        ("I don't want to be alive anymore", "self_harm"),
        ("有人说是你们客服，让我转账到安全账户", "fraud"),
        ("someone told me to transfer money to a safe account", "fraud"),
        ("anti-fraud course", None),
        ("我妈被你们骗了", "fraud"),
        ("有人让我妈转账", "fraud"),
        ("they told my mum to transfer money", "fraud"),
        ("you stole my money", "fraud"),
        ("im calling the police", "fraud"),
        ("do I need a police report for the claim", None),
        ("going to see a lawyer", "legal"),
        ("i wanna die", "self_harm"),
        ("最近压力好大真的撑不下去了", "self_harm"),
        ("honestly i dont see the point of anything anymore", "self_harm"),
        ("12345", None),
        ("我要打12345投诉", "regulator"),
        ("我真想一了百了", "self_harm"),
        ("结束我的生命", "self_harm"),
        ("i just want to end it all", "self_harm"),
        ("你们这课是跳楼价吗", None),
        ("这种日子我生活够了解了", None),
        ("我要去砍了你们", "violence"),
        ("i will bomb your office", "violence"),
        ("what doesn't kill you makes you stronger", None),
        ("手机被盗设备险赔吗", None),
        ("账号被盗了", "fraud"),
        ("I'm a lawyer looking for a course", None),
    ],
)
def test_words_of_risk_have_their_kind(text: str, kind: str | None) -> None:
    assert WORDS.risk(text) == kind


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("yes", "是的"),
        ("yes", "好的谢谢"),
        ("yes", "Yes please!"),
        ("no", "不对"),
        ("cancel", "算了吧"),
        ("cancel", "never mind"),
        ("cancel", "取消取消"),
        ("yes", "对的，没错"),
        ("yes", "yes, that's right"),
        ("yes", "是的，谢谢你"),
        ("yes", "👍"),
        ("yes", "是滴"),
        ("cancel", "ok cancel it"),
        ("cancel", "算了你别管了"),
        ("cancel", "那就取消吧"),
        ("no", "都不是"),
        ("not_helped", "你听得懂人话吗"),
        ("not_helped", "do you even understand me"),
        ("robot", "我是不是在跟AI聊"),
        ("skip", "跳过"),
        ("skip", "not sure"),
    ],
)
def test_a_reply_is_heard_with_its_courtesies(reply: str, text: str) -> None:
    assert WORDS.says(reply, text)  # type: ignore[arg-type]


def test_a_long_row_of_replies_is_read_in_no_time() -> None:
    begun = time.perf_counter()
    assert not WORDS.says("yes", "嗯" * 1999 + "哼")
    assert not WORDS.says("yes", "好的对对" * 499 + "哼")
    assert time.perf_counter() - begun < 1.0


def test_a_longer_text_is_no_reply() -> None:
    assert not WORDS.says("yes", "是的，不过年龄错了")


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("退款多久到账", True),
        ("能退吗", True),
        ("how long does it take", True),
        ("我要退款", False),
        ("refund please", False),
    ],
)
def test_a_question_is_told_from_a_wish(text: str, asks: bool) -> None:
    assert is_question(text) is asks


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("你们要生日干嘛", True),
        ("高血压能买重疾险不", True),
        ("到账了没", True),
        ("会不会亏", True),
        ("ok what if i miss a payment", True),
        ("whats the fee", True),
        ("动不动就卡", False),
        ("不不不", False),
        ("没什么用", False),
        ("会员不续", False),
        ("还没到账", False),
    ],
)
def test_a_question_without_its_mark_is_told_too(text: str, asks: bool) -> None:
    assert is_question(text) is asks


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("你是机器人吗？？", True),
        ("请问你是真人还是机器人", True),
        ("你是不是AI啊", True),
        ("am I talking to a real person?", True),
        ("r u human", True),
        ("whats ur name", True),
        ("你是机器人吧，换个真人", False),
        ("有AI的课吗", False),
        ("can I talk to a real person", False),
    ],
)
def test_whether_it_is_a_robot_is_no_wish_for_a_person(text: str, asks: bool) -> None:
    assert WORDS.says("robot", text) is asks
    assert not (asks and WORDS.wants_human(text))


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("退款 please", "zh-CN"),
        ("refund", "en"),
        ("35", "zh-CN"),
        ("😀", "zh-CN"),
        ("ok", "zh-CN"),
        ("KJ20261129001", "zh-CN"),
        ("[phone]", "zh-CN"),
        ("ok thanks", "en"),
    ],
)
def test_the_language_of_a_text(text: str, locale: str) -> None:
    assert language(text, "zh-CN") == locale
