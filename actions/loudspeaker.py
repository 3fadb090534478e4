"""A notice as it is read out over a loudspeaker: plain sentences, numbers in words, no addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from actions.request import Known
from actions.wording import say, sentences
from knowledge.amounts import LARGEST_AMOUNT, spell_amount, spell_digits, spell_number
from knowledge.records import Notice

_LINK = re.compile(r"\[([^\[\]]+)\]\(https?://[^\s()]+\)")
_SITE = (
    r"(?:https?://|www\.)[^\s()]*[^\s().,;:!?]"
    r"|\b(?:[a-z0-9-]+\.)+(?:gov|com|net|org|edu|vn)(?:\.vn)?(?:/[^\s()]*[^\s().,;:!?])?\b"
)
_ADDRESS = re.compile(
    rf"\s*[(,]?\s*(?:(?:xem |tra cứu |vào |mở )?(?:thêm |chi tiết )?"
    rf"(?:tại |ở |trên |vào )?(?:trang |địa chỉ |website |web )?)(?:{_SITE})\)?",
    re.IGNORECASE,
)
_MARKS = re.compile(r"\*\*|`|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|^\s*(?:-|\d+\.)\s+", re.MULTILINE)
_LINE_END = re.compile(r"(?<![.,;:!?\s])\s*\n+")
_SENTENCE = re.compile(r"(?:^|(?<=[.!?]\s))\w")
_STRANGE = re.compile(r"[^\w\s.,;:!?()%/+\-–—&²'’\"“”«»…]")  # signs that nobody reads out
_WEEKDAYS = {"2": "Hai", "3": "Ba", "4": "Tư", "5": "Năm", "6": "Sáu", "7": "Bảy"}
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_GROUPED = r"\d{1,3}(?:\.\d{3})+|\d+"
_TO = r"\s?[-–—]\s?"
_TIME = r"(?:[01]?\d|2[0-4])(?:\s?(?:h|g|giờ)(?:\s?[0-5]\d(?:\s?(?:phút|p))?)?|:[0-5]\d)"
ASKED_AT = ("public_services", "portal")  # kinds of contacts, the better one first
_SHORT_LINES = r"11[0-9]|1022"


def script(known: Known, notice: Notice) -> str:
    """Write what is read out: greeting, the notice twice, where to ask, a closing word; a line each."""
    told = spoken(" ".join((f"{notice.title}." if notice.title else "", notice.text)))
    told = told if told[-1:] in ".!?" else f"{told}."
    hotline = _hotline(known)
    where = (say("loudspeaker.ask", phone=spell_digits(hotline)),) if hotline else ()
    return "\n".join(
        (
            say("loudspeaker.greeting", province=known.province.name),
            told,
            *where,
            say("loudspeaker.again"),
            told,
            *where,
            say("loudspeaker.closing"),
        )
    )


def spoken(markdown: str) -> str:
    """Write a text as it is said: numbers, days, times, money and telephone numbers in words."""
    text = _MARKS.sub("", _LINK.sub(r"\1", markdown))
    text = _STRANGE.sub(" ", _LINE_END.sub(". ", _ADDRESS.sub("", text)))
    for short, words in _abbreviations():
        text = re.sub(rf"(?<!\w){re.escape(short)}(?!\w)", words, text)
    text = _ANY.sub(_in_words, text)
    text = re.sub(r"đồng\s*/\s*(?=\w)", f"đồng {say('loudspeaker.each')} ", text)
    text = re.sub(r"\s*/\s*", f" {say('loudspeaker.slash')} ", text).replace("&", " và ")
    text = re.sub(r"\s+([.,;:!?)])", r"\1", " ".join(text.split()))
    text = re.sub(r"([.,;:])(?:\s*[.,;:])+", r"\1", text).strip(" ,;:")
    return _SENTENCE.sub(lambda start: start[0].upper(), text)


def _hotline(known: Known) -> str | None:
    """Give the number to ask at: the province's own where there is one on this day, else the national one."""
    contacts = (*known.province.contacts, *known.catalogue.national.contacts)
    there = [each for each in contacts if each.about in ASKED_AT and each.holds_on(known.today)]
    return min(there, key=lambda each: ASKED_AT.index(each.about)).phone if there else None


def _abbreviations() -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in sentences()["loudspeaker.short"].split(" | "))
    return [(short.strip(), words.strip()) for short, _, words in pairs]


def _in_words(found: Match[str]) -> str:
    return _SAID[str(found.lastgroup)](found[0])


def _number(text: str) -> str:
    """Say a number: with thousands in groups, with decimals, or digit by digit where it is a long one."""
    whole, _, part = text.partition(",")
    figures = whole.replace(".", "")
    is_code = len(figures) > 1 and figures[0] == "0" and "." not in whole
    if is_code or int(figures) > LARGEST_AMOUNT or (len(figures) > 6 and "." not in whole and not part):
        said = spell_digits(figures)
    else:
        said = spell_number(int(figures))
    decimals = spell_digits(part) if part[:1] == "0" or len(part) > 2 else part and spell_number(int(part))
    return f"{said} phẩy {decimals}" if part else said


def _day_of(figures: str) -> str:
    number = int(figures)
    return f"mồng {spell_number(number)}" if number <= 10 else spell_number(number)


def _month(figures: str) -> str:
    return "tháng tư" if int(figures) == 4 else f"tháng {spell_number(int(figures))}"


def _year(figures: str) -> str:
    return f"năm {spell_number(int(figures))}"


def _date(text: str) -> str:
    parts = re.findall(r"\d+", text)
    return " ".join(("ngày", _day_of(parts[0]), _month(parts[1]), *(_year(each) for each in parts[2:3])))


def _days(text: str) -> str:
    first, last = re.split(r"[-–—]", text)
    figures = re.findall(r"\d+", first)
    from_day = _date(first) if len(figures) > 1 else f"ngày {_day_of(figures[0])}"
    return f"{from_day} đến {_date(last)}"


def _month_of_year(text: str) -> str:
    month, year = re.findall(r"\d+", text)
    return f"{_month(month)} {_year(year)}"


def _time(text: str) -> str:
    hour, *minute = re.findall(r"\d+", text)
    told = f"{spell_number(int(hour))} giờ"
    return f"{told} {spell_number(int(minute[0]))} phút" if minute and int(minute[0]) else told


def _times(text: str) -> str:
    first, last = re.findall(_TIME, text, re.IGNORECASE)
    return f"{_time(first)} đến {_time(last)}"


def _money(text: str) -> str:
    amount = int(re.sub(r"\D", "", text))
    return spell_amount(amount) if amount <= LARGEST_AMOUNT else f"{spell_digits(str(amount))} đồng"


def _phone(text: str) -> str:
    return spell_digits(re.sub(r"^\+84", "0", text))


def _range(text: str) -> str:
    first, last = re.findall(rf"(?:{_GROUPED})(?:,\d+)?", text)
    return f"{_number(first)} đến {_number(last)}"


def _after_word(say_it: Callable[[str], str]) -> Callable[[str], str]:
    """Say the number behind the first word of a text."""

    def said(text: str) -> str:
        word, number = text.split(maxsplit=1)
        return f"{word} {say_it(number)}"

    return said


_KINDS: tuple[tuple[str, str, Callable[[str], str]], ...] = (  # the first that fits is said
    (
        "days",
        rf"(?:[Nn]gày\s+)?(?<![\d/]){_DAY}(?:/{_MONTH})?{_TO}(?:ngày\s+)?{_DAY}/{_MONTH}(?:/\d{{4}})?(?![\d/])",
        _days,
    ),
    (
        "date",
        r"(?:[Nn]gày\s+)?(?<![\d/.,])(?:"
        + "|".join(rf"{_DAY}{mark}{_MONTH}{mark}\d{{4}}" for mark in ("/", r"\.", "-"))
        + r")(?!\d)",
        _date,
    ),
    ("day", rf"(?:[Nn]gày\s+)?(?<![\d/.,])(?!24/7){_DAY}/{_MONTH}(?![\d/])", _date),
    ("month_of_year", rf"(?:[Tt]háng\s+)?(?<![\d/]){_MONTH}/\d{{4}}(?![\d/])", _month_of_year),
    ("month", rf"[Tt]háng\s+{_MONTH}(?!\d)", lambda text: _month(text.split()[1])),
    ("day_alone", rf"[Nn]gày\s+{_DAY}(?![\d/.,])", _after_word(_day_of)),
    ("weekday", r"[Tt]hứ\s+[2-7](?!\d)", _after_word(lambda figure: _WEEKDAYS[figure])),
    ("times", rf"(?<!\d){_TIME}{_TO}{_TIME}(?![\d\w])", _times),
    ("time", rf"(?<!\d){_TIME}(?!\w)", _time),
    ("money", rf"(?<![\d.,])(?:{_GROUPED})\s?(?:đồng|đ|₫|VNĐ|VND|vnđ)(?!\w)", _money),
    ("phone", r"(?<![\d.,])(?:\+84|0)\d(?:[ .-]?\d){7,9}(?!\d)", _phone),
    ("line", r"(?<![\d.,])1[89]00(?:[ .-]?\d){4,6}(?!\d)", spell_digits),
    ("short_line", rf"(?<![\d.,])(?:{_SHORT_LINES})(?![\d.,]\d|\d)", spell_digits),
    (
        "percents",
        rf"(?:{_GROUPED})(?:,\d+)?\s?%?{_TO}(?:{_GROUPED})(?:,\d+)?\s?%",
        lambda text: f"{_range(text)} phần trăm",
    ),
    ("range", rf"(?<![\d.,/])(?:{_GROUPED})(?:,\d+)?{_TO}(?:{_GROUPED})(?:,\d+)?(?![\d/])", _range),
    ("percent", rf"(?:{_GROUPED})(?:,\d+)?\s?%", lambda text: f"{_number(text.rstrip(' %'))} phần trăm"),
    ("number", rf"(?:{_GROUPED})(?:,\d+)?", lambda text: f" {_number(text)} "),
)
_SAID = {name: said for name, _, said in _KINDS}
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern, _ in _KINDS))
