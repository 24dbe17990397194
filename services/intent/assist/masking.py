"""Texts without what tells who wrote them: phone numbers, identity numbers, cards, e-mail addresses, accounts, stated names. Pure."""

import re

_FAMILY = (
    "欧阳|上官|司马|诸葛|司徒|皇甫|慕容|尉迟|夏侯|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕"
    "丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤]"
)
"""The hundred commonest family names of China, and compound ones."""
_GIVEN = "(?![我你的是在要想有很了吗呢吧就和跟也都请])[\u4e00-\u9fff]"
_CHINESE = f"(?:{_FAMILY})(?:{_GIVEN}){{1,2}}"
_WORD = r"[A-Za-z][A-Za-z'’-]*"
_NO_NAME = r"(?i:and|but|or|i|i'm|my|not|the|from|with|on|in|for|please|here|can|could|want|would|is)\b"
_NO_CALL = (
    r"(?i:back|on|at|when|whenever|if|later|again|now|tomorrow|tonight|today|soon|please|asap|after|before|until|in|by|as|this|next|first|"
    r"once|right|only|instead|directly|immediately|urgently|about|regarding|to|between|within|during|any|anytime|every|maybe|a|an|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
)
"""Words that go on after "call me" as in "call me back"."""
_STATED = rf"(?i:(?<=my name is )|(?<=my name's )|(?<=name: )|(?<=call me )(?!{_NO_CALL}))"
_NO_SELF = (
    "曾|于|向|任[何职教意]|方[便才]|万[分一]|金[额融]|陆续|郑重|严[重正]|马上|许[多久]|高[度中兴等]|周[一二三四五六日末岁]|余额|"
    "何[时故]|白[天领]|黄金|谢[谢绝]|陈述|顾[客虑]|董事|江[苏西]|韩国|戴着|钱|夏天|小[学区孩微白]|老[师年家客用]"
)
"""What goes on after 本人 as in 本人曾多次; a 曾, 于, 向 or 钱 who names himself so is missed."""
_CAPITAL = r"[A-Z][A-Za-z'’-]*"
_TITLE = "(?:" + "|".join(f"(?<={title}{dot} )" for title in ("Mr", "Ms", "Mrs", "Dr") for dot in ("", r"\.")) + ")"

_MOBILE = re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)")
"""A Chinese one."""
_BIRTH = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ASIDE = (
    ("[id]", re.compile(rf"(?<!\d)[1-9]\d{{5}}[ -]?{_BIRTH}[ -]?\d{{3}}[0-9Xx](?![0-9A-Za-z])")),
    ("[phone]", _MOBILE),
    ("[phone]", re.compile(r"(?<![0-9A-Za-z])\+\d(?:[ ()-]{0,2}\d){7,14}(?!\d)")),
    ("[phone]", re.compile(r"(?<![0-9A-Za-z.,-])(?:0\d{2,4}[ -]?\d{6,8}|\(?\d{3}\)?[ -]\d{3}[ -]\d{4})(?![0-9-])")),
)  # fmt: skip
_CARD = re.compile(r"(?<!\d)[3-6]\d{3}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)")

_MASKS = (
    ("[email]", re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("[id]", re.compile(r"(?<!\d)[1-9]\d{16}[0-9Xx](?![0-9A-Za-z])")),
    ("[number]", re.compile(r"(?<![\d+])(?<!\d[.,])\d(?:[ -]?\d){13,18}(?!\d)")),
    ("[phone]", _MOBILE),
    ("[phone]", re.compile(r"(?<![0-9A-Za-z])(?:\+\d{1,3}[ -]?)?\(?0?\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}(?!\d)")),
    ("[account]", re.compile(r"(?<=微信)(?:号)?[:： 是]*[A-Za-z][\w-]{5,19}")),
    ("[account]", re.compile(r"(?i:(?<=qq)|(?<=wechat))[:： ]*(?=\w*\d)[A-Za-z0-9_-]{5,20}")),
    ("[number]", re.compile(r"(?<!\d)(?:\d{13,}(?!\d)|\d{7,12}(?!\d|\.\d{1,2}(?!\d)))")),
    ("[number]", re.compile(r"(?<!\d)(?<!\d[.,])\d(?:[ -]?\d){6,18}(?![0-9.,]*\d)")),
    ("[name]", re.compile(f"(?:(?<=我叫)|(?<=本人)(?!{_NO_SELF}))(?:{_CHINESE}|[小阿老]{_GIVEN})")),
    ("[name]", re.compile(f"(?:(?<=姓名)|(?<=名字)|(?<=联系人))[:： 是叫为]*{_CHINESE}")),
    ("[name]", re.compile(f"(?<=我是)(?!高中|高级|高管|黄金|金牌|白领|白金|方案|万){_CHINESE}(?![\u4e00-\u9fff])")),
    ("[name]", re.compile(f"(?<!任)(?!任何)(?:{_FAMILY})(?:{_GIVEN}){{0,2}}(?=先生|女士|小姐|太太)")),
    ("[name]", re.compile(rf"{_STATED}{_WORD}(?: (?!{_NO_NAME}){_WORD})?")),
    ("[name]", re.compile(rf"(?i:(?<=i'm )|(?<=i’m )|(?<=i am )|(?<=this is )){_CAPITAL}(?: {_CAPITAL}){{1,2}}")),
    ("[name]", re.compile(rf"{_TITLE}{_CAPITAL}(?: {_CAPITAL})?")),
)  # fmt: skip
_ONLY_ASIDE = re.compile(r"\W*(?:\[(?:id|card|phone)\]\W*)+")


def put_aside(text: str) -> str:
    """A message as the bot takes it: Chinese identity numbers, bank cards and phone numbers are never kept, order numbers are.

    An identity number has a date in its place, a card a right check digit (ISO/IEC 7812); another number of eleven digits that
    begins as a Chinese mobile does is taken for one.
    """
    for mask, pattern in _ASIDE:
        text = pattern.sub(mask, text)
    return _CARD.sub(lambda found: "[card]" if _is_card(found[0]) else found[0], text)


def says_only_numbers(text: str) -> bool:
    """Whether a message as `put_aside` left it holds nothing but what was put aside."""
    return _ONLY_ASIDE.fullmatch(text) is not None


def _is_card(number: str) -> bool:
    """Luhn's sum over the digits."""
    digits = [int(char) for char in reversed(number) if char.isdigit()]
    return (sum(digits[::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1::2])) % 10 == 0


def masked(text: str) -> str:
    """The text with each of them replaced by its kind in brackets; any other seven digits or more in a row, dates too, by [number].

    An amount with its decimals (1234567.00) or its commas stays. A name is seen where it is stated as one ("我叫王小明",
    "联系人：李雷", "王小明先生", "my name is", "I'm John Smith", "Mr Lee") and nowhere else. Missed are names that simply stand in
    a sentence, rare Chinese family names, and names in lower case after "I'm", "this is" or "Mr". Some words after such a phrase are
    taken for a name.
    """
    for mask, pattern in _MASKS:
        text = pattern.sub(mask, text)
    return text
