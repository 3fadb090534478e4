"""Reading dossier codes as people write them, and the last characters that prove whose a dossier is."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

LONGEST_CODE = 64  # characters

CODE = re.compile(
    r"(?<![0-9A-Z.])((?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2})|(?:[A-Z]\d{2}(?:\.\d{1,3}){0,4}))"
    r"\s*[-–—]\s*(\d{8}|\d{6})\s*[-–—]\s*(\d{3,7})(?!\d)"
)
# The same with spaces or nothing where dots and dashes belong; its second part must be a day.
_LOOSE = re.compile(
    r"(?<![0-9A-Z.])(?:(?P<old>\d{3})[. ]?(?P<o2>\d{2})[. ]?(?P<o3>\d{2})[. ]?(?P<ounit>[A-Z]\d{2})"
    r"|(?P<unit>[A-Z]\d{2})(?P<rest>(?:[. ]\d{1,3}){0,4}))"
    r"[\s.–—/_-]+(?P<day>20\d{6}|\d{6})[\s.–—/_-]+(?P<number>\d{3,7})(?![\d.])"
)
# What looks like an attempt at a code: an agency part and digits, but not the whole form.
_ATTEMPT = re.compile(
    r"(?<![0-9A-Z.])[A-Z]\d{2}(?![0-9A-Z])[0-9A-Z.]*\s*[-–—_/ ]\s*\d{3,8}(?![.,]?\d)"
    r"|(?<![0-9A-Z.])(?:\d{3}\.){1,3}[0-9A-Z.]*\s*[-–—_/]\s*\d{3,8}(?![.,]?\d)"
    r"|(?<!\d)\d{6,8}\s*[-–—]\s*\d{3,7}(?!\d)"
)
_DAY = re.compile(r"\d{6}")  # which every code has
_DATE = r"(?<!\d)(?:(?:\d{1,2}[./-]){1,2}\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?!\d)"
DATE = re.compile(_DATE)
# Four characters that may prove whose a dossier is; not a year, an amount or a part of a date.
FOUR = re.compile(
    r"(?<![0-9A-Za-z./])(?<!năm )(?<!Năm )(?<!NĂM )(?<!nam )(\d{4}|\d{3}[A-Za-z])(?![0-9A-Za-z])(?![./-]\d)"
    r"(?!\s*(?:đồng|dong|đ\b|k\b|vnd|nghìn|ngàn|triệu))",
    re.IGNORECASE,
)
SAYS_SO = re.compile(
    r"cuối|cuoi|đuôi|duoi|sđt|sdt|điện thoại|dien thoai|\bđt\b|cccd|cmnd|căn cước|can cuoc"
    r"|định danh|dinh danh",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"[\s,;:()=-]*(?:là |la )?(?:\d{4}|\d{3}[A-Za-z])(?![0-9A-Za-z])")
_NO_FRONT = re.compile(r"[A-Z]\d{2}-")
_IS_BARE = re.compile(r"[\W_]*\w{4}[\W_]*")
_WHOLE_NUMBER = re.compile(r"(?<![0-9A-Za-z.])\+?\d(?:[ .-]?\d){8,12}(?![0-9])")


def find_codes(text: str) -> list[str]:
    """Find dossier codes (any case, spaces, en dash, dots left out), each once, in order."""
    return list(dict.fromkeys(code for _, _, code in _spans(text)))


@lru_cache(256)  # several readers look at the same message
def _spans(text: str) -> tuple[tuple[int, int, str], ...]:
    """Find where codes stand; of two that overlap, the one that begins first and is longer."""
    if not _DAY.search(text):
        return ()
    # Letters that grow in upper case are none of a code's; so every mark keeps its place.
    upper = "".join(mark.upper() if len(mark.upper()) == 1 else mark for mark in text)
    found = [(*match.span(), "-".join(match.groups())) for match in CODE.finditer(upper)]
    found += [
        (*match.span(), _as_written(match)) for match in _LOOSE.finditer(upper) if _is_day(match["day"])
    ]
    spans: list[tuple[int, int, str]] = []
    for start, end, code in sorted(found, key=lambda span: (span[0], -span[1])):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end, code))
    return tuple(spans)


def _is_day(digits: str) -> bool:
    try:
        datetime.strptime(digits, "%Y%m%d" if len(digits) == 8 else "%y%m%d")
    except ValueError:
        return False
    return True


def _as_written(match: re.Match[str]) -> str:
    parts = match.groupdict()
    old, rest = parts["old"], parts["rest"] or ""
    agency = ".".join((old, parts["o2"], parts["o3"], parts["ounit"])) if old else parts["unit"] + rest
    return f"{agency.replace(' ', '.')}-{parts['day']}-{parts['number']}"


def find_proofs(text: str) -> dict[str, str]:
    """Find the last four characters that stand right after each code of several, or are said to be that."""
    spans = _spans(text)
    ends = [*(start for start, _, _ in spans[1:]), len(text)]
    proofs: dict[str, str] = {}
    for (_, end, code), until in zip(spans, ends, strict=False):
        after = text[end:until]
        if factor := find_factor(after, is_asked=_FOLLOWS.match(after) is not None):
            proofs[code] = factor
    return proofs


def lacks_front(code: str) -> bool:
    """Tell whether a code begins with the province's unit alone, as if its front part was left off."""
    return _NO_FRONT.match(code) is not None


def has_near_code(text: str) -> bool:
    """Tell whether a text without a code holds something that was meant as one."""
    return not find_codes(text) and _ATTEMPT.search(text.upper()) is not None


def example_code(unit_code: str | None) -> str:
    """Give an example of a code as this province writes it."""
    return f"000.00.12.{unit_code or 'H62'}-201105-0004"


def tidy_codes(text: str) -> str:
    """Write the codes of a text in their own form (upper case, dots, hyphens)."""
    for start, end, code in reversed(_spans(text)):
        text = f"{text[:start]}{code}{text[end:]}"
    return text


def find_factor(text: str, *, is_asked: bool = False) -> str | None:
    """Find the four last characters of a phone or identity number in what is not a code.

    A whole number counts with its own last four; of several candidates none is taken. Unless they were
    asked for, they must stand alone or be said to be what they are, since a year has four digits too.
    """
    rest = text
    for start, end, _ in reversed(_spans(text)):
        rest = f"{rest[:start]} {rest[end:]}"
    if _ATTEMPT.search(rest.upper()):
        return None
    rest = DATE.sub("/", rest)
    whole = {re.sub(r"\D", "", found[0])[-4:] for found in _WHOLE_NUMBER.finditer(rest)}
    fours = {found[1].upper() for found in FOUR.finditer(_WHOLE_NUMBER.sub(" ", rest))}
    candidates = whole or fours
    if len(candidates) != 1 or not (whole or is_asked or SAYS_SO.search(rest) or _IS_BARE.fullmatch(rest)):
        return None
    return candidates.pop()
