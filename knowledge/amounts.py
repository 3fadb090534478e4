"""Reading amounts of money as officials type them, and spelling them in words; always in đồng.

"8.000đ/bản", "mười lăm nghìn đồng" and "1,5 triệu" are read, with or without accents. What can be meant
in two ways is refused with a Vietnamese sentence that tells what was read and how to type it.

ValueError
└── AmountError
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from unicodedata import normalize

from knowledge.portal_columns import SMALLEST_AMOUNT
from knowledge.search import fold

LARGEST_AMOUNT = 999_999_999_999
LONGEST_TEXT = 200  # characters
_EXAMPLES = "Gõ số đồng, ví dụ 8.000, 10.000đ/bản, mười nghìn đồng hoặc miễn phí."
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_SCALES = {"tỷ": 10**9, "triệu": 10**6, "nghìn": 10**3}
_FOLDED_SCALES = {fold(name): scale for name, scale in _SCALES.items()}
_ALSO = {"ngan": "nghin", "ti": "ty", "le": "linh", "tu": "bon", "lam": "nam", "nham": "nam", "chuc": "muoi"}
_TIMES = {"nghin": 10**3, "ngan": 10**3, "k": 10**3, "trieu": 10**6, "tr": 10**6, "ty": 10**9, "ti": 10**9}
_FREE = {"mien phi", "mien le phi", "mien thu phi", "khong thu", "khong thu phi", "khong thu le phi",
         "khong mat phi"}  # fmt: skip
_UNIT = re.compile(r"(?<![^\W\d_])(?:đồng|dong|vnđ|vnd|đ|d|₫)\.?$", re.IGNORECASE)
_PER = (
    re.compile(r"(?P<money>[^/]+?)\s*/\s*(?P<per>.+)"),
    re.compile(
        r"(?P<money>.+?(?:đồng|vnđ|vnd|đ))\s+(?:cho\s+|trên\s+)?(?:một|mỗi)\s+(?P<per>.+)", re.IGNORECASE
    ),
    re.compile(r"(?P<money>.+?)\s+(?:cho\s+|trên\s+)?mỗi\s+(?P<per>.+)", re.IGNORECASE),
)
_PER_NAME = re.compile(r"(?:\d{1,3} )?[^\W\d_].{0,79}")
_NO_PER = re.compile(  # another amount, a rate, or the rest of a number in words
    r"\d[.,]\d{3}|\d\s?(?:d|dong|vnd|k|nghin|ngan|trieu|tr|ty)\b|^(?:muoi|tram|nghin|ngan|trieu|ty|ti)\b"
)
_REFUSED = (
    (re.compile(r"%|phan tram"), "là tỉ lệ phần trăm, không phải số tiền. Tính ra đồng rồi gõ, ví dụ 8.000."),
    (re.compile(r"\busd\b|\beur\b|\bdo la\b|[$€]"), "không phải tiền đồng. Gõ số đồng, ví dụ 8.000."),
    (
        re.compile(r"\bden\b|\bhoac\b|\d\D{0,8}[-–—]\s?\d"),
        "nói đến nhiều mức. Ghi mỗi mức một dòng, nói rõ thu cho việc gì.",
    ),
    (
        re.compile(
            r"^(?:khoang|chung|gan|hon|tren|duoi|tu|toi da|toi thieu|it nhat|khong qua|uoc)\b|[~≈<>±]"
        ),
        "là mức áng chừng. Gõ đúng số tiền ghi trong văn bản, ví dụ 10.000.",
    ),
)
_FIGURES = re.compile(
    r"(?P<number>(?P<grouped>[1-9]\d{0,2}(?:(?P<mark>[., ])\d{3})(?:(?P=mark)\d{3})*)"
    r"|(?P<decimal>(?:0|[1-9]\d*)[.,]\d{1,2})|0|[1-9]\d*)"
    r"\s?(?P<times>nghin|ngan|k|trieu|tr|ty|ti)?"
)


class AmountError(ValueError):
    """A text that is no one amount; says in Vietnamese what was read and how to type it."""


@dataclass(frozen=True)
class Amount:
    """An amount in đồng (0 = free of charge), and what it is paid for each of, such as "bản"."""

    amount: int
    per: str | None = None


def read_amount(text: str) -> Amount:
    """Read one amount in đồng, at most LARGEST_AMOUNT; raises AmountError where a text is not clearly one."""
    said = " ".join(normalize("NFC", text).split())
    if not said:
        raise AmountError(f"Chưa ghi số tiền. {_EXAMPLES}")
    _refuse_what_is_no_amount(said)
    money, per = _parted(said)
    bare = _UNIT.sub("", money).strip()
    if fold(money) in _FREE:
        return Amount(0, per)
    amount = _figures(fold(bare), said) if bare[:1].isdecimal() else _in_words(_canonical(bare).split())
    if amount is None or fold(money) == "khong":
        raise AmountError(f"Không đọc được số tiền “{said}”. {_EXAMPLES}")
    return Amount(_checked(amount, said, has_unit=bare != money), per)


def spell_amount(amount: int) -> str:
    """Spell an amount in đồng, 0 to LARGEST_AMOUNT, in words: ``mười lăm nghìn đồng``."""
    return f"{spell_number(amount)} đồng"


def spell_number(number: int) -> str:
    """Spell a number, 0 to LARGEST_AMOUNT, in words: ``một trăm linh năm``."""
    words: list[str] = []
    for name, scale in chain(_SCALES.items(), (("", 1),)):
        group, number = divmod(number, scale)
        if group:
            words += [*_spell_group(group, padded=bool(words)), *filter(None, (name,))]
    return " ".join(words or _DIGITS[:1])


def spell_digits(figures: str) -> str:
    """Spell the digits of a text one by one, as telephone numbers are said."""
    return " ".join(_DIGITS[int(figure)] for figure in figures if figure.isdecimal())


def _spell_group(number: int, *, padded: bool) -> list[str]:
    """Spell 0 to 999; a padded one tells its hundreds even where there are none."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or padded else []
    if tens:
        words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
        last = {1: "mốt" if tens > 1 else "một", 5: "lăm"}.get(ones, _DIGITS[ones])
        return [*words, last] if ones else words
    if ones or not words:
        words += ["linh", _DIGITS[ones]] if words else [_DIGITS[ones]]
    return words


def _canonical(words: str) -> str:
    """Fold number words and write each in one way: "hai mươi lăm" and "hai muoi nam" are the same."""
    return " ".join(_ALSO.get(word, word) for word in fold(words).split())


_GROUPS: dict[str, int] = {
    _canonical(" ".join(_spell_group(number, padded=padded))): number
    for number in range(1000)
    for padded in (False, True)
}


def _refuse_what_is_no_amount(said: str) -> None:
    if len(said) > LONGEST_TEXT:
        raise AmountError(f"Ô số tiền dài quá {LONGEST_TEXT} ký tự. {_EXAMPLES}")
    for pattern, why in _REFUSED:
        if pattern.search(fold(said)):
            raise AmountError(f"“{said}” {why}")


def _parted(said: str) -> tuple[str, str | None]:
    """Part the money from what it is paid for each of."""
    match = next(filter(None, (pattern.fullmatch(said) for pattern in _PER)), None)
    if match is None:
        return said, None
    per = match["per"]
    if not _PER_NAME.fullmatch(per) or _NO_PER.search(fold(per)):
        raise AmountError(f"Không đọc được số tiền “{said}”: sau số tiền là “{per}”. {_EXAMPLES}")
    return match["money"].strip(), per


def _figures(bare: str, said: str) -> int | None:
    """Read digits; groups of three are thousands, decimals stand only before nghìn, triệu, tỷ."""
    match = _FIGURES.fullmatch(bare)
    if not match or (match["decimal"] and not match["times"]):
        if re.fullmatch(r"[\d., ]+", bare):
            raise AmountError(
                f"“{said}” chưa rõ là bao nhiêu. Gõ lại, chỉ dùng dấu chấm để tách hàng nghìn, ví dụ 8.000."
            )
        return None
    times = _TIMES[match["times"]] if match["times"] else 1
    if match["decimal"]:
        return int(Decimal(match["number"].replace(",", ".")) * times)  # at most two places: no rest
    if match["grouped"] and match["times"]:
        raise AmountError(f"“{said}” chưa rõ là bao nhiêu. Gõ đủ số đồng, ví dụ 1.500.000.")
    return int(re.sub(r"\D", "", match["number"])) * times


def _in_words(words: list[str]) -> int | None:
    """Read canonical number words; what follows a larger part has to tell its hundreds or its scale."""
    total, begun = 0, False
    if words[-1:] == ["ruoi"] and (half := _FOLDED_SCALES.get(words[-2] if words[1:] else "")):
        words, total = words[:-1], half // 2
    for name, scale in _FOLDED_SCALES.items():
        if name in words:
            at = words.index(name)
            group = _GROUPS.get(" ".join(words[:at]))
            if group is None or not (group or begun):
                return None
            total, words, begun = total + group * scale, words[at + 1 :], True
    if begun and not words:
        return total
    if begun and "tram" not in words:
        return None  # "một triệu hai" is said of 1.200.000 as well
    last = _GROUPS.get(" ".join(words))
    return None if last is None else total + last


def _checked(amount: int, said: str, *, has_unit: bool) -> int:
    if amount > LARGEST_AMOUNT:
        raise AmountError(f"“{said}” quá lớn so với một mức thu. {_EXAMPLES}")
    if 0 < amount < SMALLEST_AMOUNT and not has_unit:
        raise AmountError(
            f"“{said}” là {amount} đồng, rất nhỏ. Nếu là {amount} nghìn thì gõ {amount}.000; "
            f"nếu đúng là {amount} đồng thì gõ “{amount} đồng”."
        )
    return amount
