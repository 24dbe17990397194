"""Why something is given back, told from what it is: 不想要了, 太难了, bought by mistake. Pure."""

import re

from services.intent.assist.reading import folded, is_question

_ENDS = r"(?:了|啦|啊|呀|呢|吧|的)*$"
_CHINESE = re.compile(
    r"^(?:因为|由于|原因|理由|主要是|就是因为)|^不(?:太|怎么|是很)?喜欢"
    r"|(?:不|没)(?:太|怎么|是很|再|大|是我)?(?:想|要|需要|用得上|喜欢|适合|合适|满意|感兴趣|实用|值|打算|准备)[^，。]{0,8}(?:了|啦|啊|呀|的)$"
    rf"|(?:不|没)(?:太|怎么|是很)?(?:需要|喜欢|适合|合适|满意|感兴趣|实用|值|想要|想学|想看|想听){_ENDS}"
    r"|(?:我|他|她|孩子|自己)(?:们|现在|真的|实在|已经|根本|也)*(?:不|没)(?:想|要|需要|喜欢|会|懂|用|时间|空)"
    r"|太(?![好棒赞香爱])[^，。]{1,6}(?:了|啦)|太(?![太极空阳好棒赞香爱])[^，。]{1,2}$|有点(?:难|贵|水|浅|深|慢|快|无聊)"
    r"|(?:买|拍|下|点|选|付|发|扣|订|报|充)(?:单|款)?(?:错|重|重复|多|贵|早)了|(?:买|扣|付|拍|下单)了?(?:两|2|几|三|3)(?:次|遍|份|回)"
    r"|重复(?:购买|扣费|下单|付款|扣款|了)|误(?:操作|点|买|触|拍|充)|手滑|不小心"
    r"|没(?:有)?(?:收到|到货|发货|下过?单|买过|订过|开通过?|授权)|(?:快递|货)(?:还|一直|都)*没(?:有)?到|降价"
    r"|(?:听|看|学|用|跟|打|登|播|下载|播放|加载|上|去|来|赶)不(?:懂|会|了|进|下去|完|开|动|上|惯|到|及)"
    rf"|没(?:有)?(?:什么|啥|多大)?(?:时间|空|用|效果|兴趣|必要|意义|意思|帮助|学到)[^，。]{{0,4}}{_ENDS}|没(?:怎么)?(?:学|看|听|用)(?:过|呢)?{_ENDS}"
    r"|^[^，。]{0,6}有事|出差|生病|住院|怀孕|搬家|加班"
    r"|质量(?:不|太|很|差)|(?:很|太|真|好|这么)(?:差|烂|水|坑)|(?:得|的|太)不好|不好(?:用|看|听|学)|差劲|垃圾|无聊|失望|后悔|不值|骗人|名不副实|货不对板|不符|不一样|有问题"
)
_VERBS = (
    r"(?:want|need)(?! (?:to (?:talk|speak|chat|wait|be|deal|buy|hear|know)|an?)(?![a-z]))|like|love|use|used|work|play|open|load"
    r"|understand|follow|watch|learn|start|enjoy|match|have (?:the )?time|interest"
)
_ENGLISH = re.compile(
    r"\b(?:don'?t|do not|didn'?t|did not|doesn'?t|does not|no longer|can'?t|cannot|couldn'?t|won'?t|haven'?t|never)\b"
    rf"[^,.]{{0,20}}\b(?:{_VERBS})"
    r"|\btoo (?:hard|easy|basic|expensive|advanced|slow|fast|long|short|difficult|boring|much|many|pricey|dear|late|simple|complex)\b"
    r"|\b(?:didn'?t|did not|never|hasn'?t|haven'?t|not) (?:ordere?d?|buy|bought|authori[sz]ed?|subscribed?|received?|arrived?)\b"
    r"|\b(?:by|in) (?:mistake|accident|error)\b|\baccidental(?:ly)?\b"
    r"|\b(?:bought|ordered|paid|charged|billed) (?:\w+ ){0,2}(?:twice|wrong|double)\b|^(?:duplicate|double charged?)\b|\btwice$"
    r"|\b(?:click|press|tapp|pick|select|chose|order|bought)(?:ed)? (?:it |the )?wrong\b"
    r"|^(?:i |i've |only |just )*(?:watched|read|listened|studied)\b"
    r"|\bwrong (?:one|course|item|level|language|book|class|button|product)\b"
    r"|\bnot (?:as|what|worth|useful|interested|happy|satisfied|good|for me|helpful|working|like)\b"
    r"|\b(?:waste of|chang(?:ed?|ing) (?:my|our) mind)\b|\b(?:no|lost|losing) (?:time|use|longer|interest)\b"
    r"|\bmov(?:ed|ing) (?:abroad|away)\b"
    r"|\b(?:poor|bad|terrible|awful|low) (?:quality|audio|sound|video|teacher|content)\b"
    r"|\b(?:useless|boring|rubbish|disappoint\w*|misleading|regret)\b|^(?:because|cuz|bc|since)\b"
)
_CLAUSES = re.compile(r"(?<!\d),|,(?!\d)|[，、;；。.!！\n]+|(?<![a-z])(?:because|but)(?![a-z])", re.IGNORECASE)
_OF_SOMETHING_ELSE = re.compile(r"保险|人工|推销|短信|(?<![a-z])(?:insurance|spam|sms|(?:a )?human)(?![a-z])")
"""What is not wanted there is no course: 我不想转人工, 我不要保险."""
_LAST_BLANKS = 3
"""Blanks of a clause, from its end, at which a reason may begin."""


def is_reason(clause: str) -> bool:
    """Whether a clause says why. A title can sound so too: who gives one is asked for it again, and the reason is shown in the end."""
    heard = folded(clause).strip(" ~～…")
    if not heard or is_question(heard) or _OF_SOMETHING_ELSE.search(heard):
        return False
    return _CHINESE.search(heard) is not None or _ENGLISH.search(heard) is not None


def parted(text: str) -> tuple[str, str | None]:
    """A text without the clauses that say why, and those; None where none does."""
    clauses = [each.strip() for clause in _CLAUSES.split(text) for each in _at_blank(clause)]
    why = [each for each in clauses if is_reason(each)]
    if not why:
        return text, None
    between = "，" if re.search(r"[\u3400-\u9fff]", text) else ", "
    return between.join(each for each in clauses if each and each not in why), between.join(why)


def _at_blank(clause: str) -> tuple[str, ...]:
    """A Chinese clause, parted at the last blank that a reason stands behind: Python课 不想学了."""
    parts = clause.split() if re.search(r"[\u3400-\u9fff]", clause) else []
    for place in range(len(parts) - 1, max(0, len(parts) - 1 - _LAST_BLANKS), -1):
        before, behind = " ".join(parts[:place]), " ".join(parts[place:])
        if is_reason(behind) and not is_reason(before):
            return before, behind
    return (clause,)
