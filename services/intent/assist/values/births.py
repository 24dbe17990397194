"""How old somebody is: a birth date, a year of birth, or an age."""

import re
from dataclasses import dataclass
from datetime import date

from services.intent.assist.reading import folded
from services.intent.assist.values.numerals import with_digits

OLDEST = 120
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_ENDS = r"(?!\d)"

_DATES = (
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)?\d{{2}})\s*年\s*(?P<m>\d{{1,2}})\s*月\s*(?P<d>\d{{1,2}})\s*[日号]?{_ENDS}"),
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d{{2}})\s*[-/.]\s*(?P<m>\d{{1,2}})\s*[-/.]\s*(?P<d>\d{{1,2}}){_ENDS}"),
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d{{2}})(?P<m>[01]\d)(?P<d>[0-3]\d){_ENDS}"),
    re.compile(r"(?<![\d/.-])(?P<y>3[2-9]|[4-9]\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\d/.-])"),
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d{{2}}) (?P<m>[01]\d) (?P<d>[0-3]\d){_ENDS}"),
    re.compile(rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:of\s+)?{_MONTH},?\s*'?(?P<y>(?:19|20)?\d{{2}}){_ENDS}"),
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d{{2}}),?\s*{_MONTH}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?{_ENDS}"),
    re.compile(rf"(?<![a-z]){_MONTH}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s*(?P<y>(?:19|20)\d{{2}}){_ENDS}"),
)
_SLASHED = re.compile(
    rf"(?<!\d)(?P<a>\d{{1,2}})[/.-](?P<b>\d{{1,2}})[/.-](?P<y>(?:19|20)\d{{2}}|3[2-9]|[4-9]\d){_ENDS}"
)
_YEAR = re.compile(
    r"(?<![\d/.-])((?:19|20)\d{2})\s*(?:年(?!\D{0,3}(?:买|投|购|交|办|注册|毕业|结婚|开始))|[/.-]\s*\d{1,2}(?![\d/.-]))"
    r"|(?<![\d/.-])\d{1,2}[/.-]((?:19|20)\d{2})(?!\d)"
    r"|born (?:in )?'?((?:19|20)?\d{2})(?![\d\s]*(?:st|nd|rd|th|years|[/.-]))"
    r"|(?<![\d保交缴付分选买要期障])(\d{2})\s*(?:年(?:的(?![^\d,.\s]{0,6}[险保])|出?生|\s*\d{1,2}\s*月)|后)"
)
"""A year of birth: no year in which something was bought, and no term (保20年的定期寿险)."""
_BARE_YEAR = re.compile(r"\D{0,12}(?<![保交缴付要选买分])(\d{2})\s*年\D{0,2}|\D{0,24}((?:19|20)\d{2})")
_NO_RANGE = r"(?<!\d)(?<!\d[.,/-])(?<![./-])(?<!\d[到至~、和跟])(?<!岁[到至~-])(?<![不未]满)(?<!不到)"
_GOES_ON = r"(?:and|live|living|from|in|based|male|female|now|single|married|with)(?![a-z])"
"""Behind "I'm 41", where "I'm 5 minutes late" is no age."""
_AGE = re.compile(
    rf"{_NO_RANGE}(\d{{1,3}})\s*(?:周?岁(?!以[上下内]|[多出]|[到至~-])|years?[ -]?old|years? of age|yrs?(?: old)?|y/?o\b)"
    r"|(?:aged?|age is|age of|年龄(?:是|为|改成|改为)?|今年)\s*:?\s*(\d{1,3})(?!\d|\s*[万千wk元年])"
    r"|(?<!\d)[,;]\s*(\d{2})(?=\s*[,;])"
    rf"|(?<![a-z])i'?(?: a)?m\s+(\d{{1,3}})(?![\d,.]*\d|\s*(?!{_GOES_ON})[a-z%])"
    r"|(?<![还退给付欠借花])[我他她爸妈公婆儿女父母爷奶](?:今年|现在|快|刚|是|都|就)?(\d{2})(?=$|[，,。.！!；;、\s了吧啦]|[爸妈我他她])"
    r"|(?<![a-z])(?:me|myself|he|she|mum|mom|dad|mother|father|wife|husband|son|daughter)"
    r"(?:'?s| is)?\s+(?:turning |turns |just |now )?(\d{1,3})"
    r"(?=$|[,.!;]|\s+(?:and|now|years?|yrs?|mum|mom|dad|next|soon))"
)
_INFANT = re.compile(r"(?<!\d)(\d{1,2})\s*(?:个月大?|months? old|周大|weeks? old|天大|days? old)")
_NO_AGE = (
    r"(?!\s*(?:个(?!月)|[位名口次份天号月点楼层米斤]|公斤|kg|cm|年|(?:grand|thousand|million|kids?|children|sons?|daughters?|people|persons?"
    r"|of us|adults?|days?|weeks?|months?|times?)(?![a-z])|[万千亿元块%$¥]|[kw](?![a-z])))"
)
_ABOUT = re.compile(
    rf"\d\s*(?:多|几|来|余|出头|不到|something|s(?![a-z]))|[不未]满|不到|奔|(?<![a-z])(?:under|over|below|above)(?![a-z])|{_MONTH}\s*'?\d"
)
"""三十多 is no age, and may 92 none of ninety-two years."""
_BARE = re.compile(rf"^\D{{0,24}}?(\d{{1,3}})(?!\d){_NO_AGE}[^\d万千亿元块%$¥]{{0,12}}$")
_NO_NUMBER = re.compile(r"一(?:定|直|般|样|起|下|共|些|点|切|旦|律|会儿?|向|概|再|边|路|方面)|万一|唯一|统一|第一")
"""Words in which nothing is counted: 一定要赔 is no age of one."""
_SMALL = {word: str(value) for value, word in enumerate("one two three four five six seven eight nine".split(), 1)}  # noqa: SIM905
_SMALL_AGE = re.compile(
    r"(?:^|(?:'s|(?<![a-z])(?:is|are|shes|hes|turn(?:s|ed|ing)?|aged?|just|only|about|almost|nearly)) )"
    rf"(?P<word>{'|'.join(_SMALL)})(?=\s*(?:$|[.,!;]|years?|yrs?|yo\b|now|today|tomorrow|tmrw|next|soon))"
)
"""A word below ten where it can be an age: she's six, six."""


@dataclass(frozen=True, slots=True)
class Birth:
    """Exactly one of the three: a date where it was given, else the year or the age in years."""

    day: date | None = None
    year: int | None = None
    age: int | None = None

    def document(self) -> dict[str, str | int]:
        if self.day is not None:
            return {"birth_date": self.day.isoformat()}
        return {"birth_year": self.year} if self.year is not None else {"age": self.age or 0}


def birth(text: str, *, today: date, bare: bool) -> Birth | None:
    """What a text says of somebody's age; None where it says nothing that can be. `bare`: a number alone is an age."""
    heard = with_digits(_NO_NUMBER.sub("", folded(text)))
    heard = _SMALL_AGE.sub(lambda each: each[0].replace(each["word"], _SMALL[each["word"]]), heard)
    if (day := _date(heard, today)) is not None:
        return Birth(day=day) if _plausible(today.year - day.year) and day <= today else None
    if ages := {int(next(filter(None, found.groups()))) for found in _AGE.finditer(heard)}:
        return _aged(ages.pop()) if len(ages) == 1 else None  # of two people's ages neither is meant
    if _INFANT.search(heard):
        return Birth(age=0)
    if (found := _YEAR.search(heard)) is not None:
        year = _full_year(next(filter(None, found.groups())), today)
        decade = found[0].endswith("后")  # 90后 is ten years wide: no answer
        return Birth(year=year) if not decade and _plausible(today.year - year) else None
    return _bare(heard, today) if bare and _ABOUT.search(heard) is None else None


def _bare(text: str, today: date) -> Birth | None:
    if (found := _BARE_YEAR.fullmatch(text)) is not None:
        year = _full_year(found[1] or found[2], today)
        return Birth(year=year) if _plausible(today.year - year) else None
    return _aged(int(found[1])) if (found := _BARE.match(text)) else None


def _aged(age: int) -> Birth | None:
    return Birth(age=age) if _plausible(age) else None


def _plausible(age: int) -> bool:
    return 0 <= age <= OLDEST


def _date(text: str, today: date) -> date | None:
    for pattern in _DATES:
        if (found := pattern.search(text)) is not None:
            parts = found.groupdict()
            month = _MONTHS.index(parts["name"]) + 1 if parts.get("name") else int(parts["m"])
            return _day(_full_year(parts["y"], today), month, int(parts["d"]))
    if (found := _SLASHED.search(text)) is not None:
        first, second = int(found["a"]), int(found["b"])
        if first == second or first > 12 >= second:
            return _day(_full_year(found["y"], today), second, first)
        if second > 12 >= first:
            return _day(_full_year(found["y"], today), first, second)
    return None  # 05/06/1992 is two days: it is asked again


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(digits: str, today: date) -> int:
    """92 is 1992, 08 is 2008: the latest such year that is not ahead."""
    if len(digits) == 4:
        return int(digits)
    year = today.year // 100 * 100 + int(digits)
    return year if year <= today.year else year - 100
