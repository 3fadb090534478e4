"""Hiding numbers and names that identify people before anything is stored, logged or shown."""

from __future__ import annotations

import re
from unicodedata import normalize

from knowledge.dossier_codes import DATE, FOUR, SAYS_SO, find_codes, tidy_codes

HIDDEN = "[đã ẩn]"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HEALTH_CARD = re.compile(r"(?<![A-Za-z])[A-Za-z]{2}\s?\d(?:\s?\d){12}(?!\d)")
_PASSPORT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]\d{7,8}(?!\d)")
# Nine or more digits, perhaps in groups: identity, phone, social-insurance, bank account numbers.
_LONG_NUMBER = re.compile(r"(?<!\d)\+?\(?\d(?:[\s./,()–-]{0,2}\d){8,}(?!\d)")
_FEWEST_DIGITS = 8  # besides dates, in what may be a number
_FEW_WORDS = 4  # of a reply that may hold what proves a dossier and little else
_AROUND_CODES = re.compile(r"([0-9A-Za-z.]+-\d{6,8}-\d{3,7})")
_WORD = re.compile(r"\w+")
_SURNAMES = frozenset(
    """nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý đinh trương đoàn lâm mai trịnh
    đào cao hà lương lưu tạ phùng tô chu vi lò giàng quàng thạch triệu nông vàng sùng thào quách kiều từ
    tăng thân nghiêm ninh khuất doãn diệp mạc la lục ma thái tống vương giáp bế hứa""".split()
)
# Places and things that begin like a surname.
_NO_NAMES = tuple(
    "hồ sơ|hà nội|hà giang|hà nam|hà tĩnh|hà tây|hà đông|cao bằng|cao su|lâm đồng|lâm nghiệp|hồ chí minh|"
    "mai châu|mai sơn|thái bình|thái nguyên|đoàn thanh niên|lý lịch|lưu trú|từ chối|từ ngày|la hai|vi phạm|"
    "dương kinh|"
    "lục yên|ninh bình|ninh thuận|thạch thành|đào tạo|lưu ý|lương y|chu kỳ|lục nam|lục ngạn".split("|")
)
_TITLE = re.compile(
    r"(?<!\w)(?:đ/c|đồng chí|ông|bà|anh|chị|cán bộ|công chức|chuyên viên|họ tên:?|(?:trưởng|phó) \w+)\s+$",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?<!\w)(?:đường|phố|phường|xã|trường|thpt|thcs|tỉnh|tp\.?|thành phố|huyện|quận|thôn|ấp|khu|tổ"
    r"|đảo|sông|tại|ở)\s+$",
    re.IGNORECASE,
)
_LONGEST_NAME = 5  # words


def redact(text: str, *, hides_proof: bool = False) -> str:
    """Replace e-mail addresses, personal numbers and what proves a dossier; dossier codes and dates stay.

    What proves a dossier is looked for beside a code, where it is said to be that, and in short replies;
    everywhere with ``hides_proof``, when it was asked for.
    """
    is_short = len(_WORD.findall(text)) <= _FEW_WORDS and len(FOUR.findall(text)) == 1
    may_prove = hides_proof or is_short or bool(find_codes(text)) or bool(SAYS_SO.search(text))
    return _hide_around_codes(tidy_codes(text), may_prove=may_prove)


def redact_names(text: str) -> str:
    """Replace what looks like a person's name, and personal numbers, in a text that an office wrote."""
    text = normalize("NFC", text)
    words = list(_WORD.finditer(text))
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(words):
        length = _length_of_run(text, words, at)
        if length and _is_name(text, words, at, length):
            spans.append((words[at].start(), words[at + length - 1].end()))
        at += length or 1
    for start, end in reversed(spans):
        text = f"{text[:start]}{HIDDEN}{text[end:]}"
    return _hide_around_codes(text, may_prove=False)


def redact_question(text: str) -> str:
    """Replace numbers and what looks like a person's name in what a citizen asked."""
    text = redact(text)
    return redact_names(text) if any(word[0].isupper() for word in text.split()[1:]) else text


def _length_of_run(text: str, words: list[re.Match[str]], at: int) -> int:
    """Give how many capitalised words stand side by side from a title, a place or a surname on, else 0."""
    length = 0
    for word in words[at : at + _LONGEST_NAME]:
        gap = text[words[at + length - 1].end() : word.start()] if length else " "
        is_next = bool(gap) and not gap.strip(" ")
        if not (is_next and word[0][0].isupper()):
            break
        length += 1
    before = text[: words[at].start()]
    begins = words[at][0].casefold() in _SURNAMES or _TITLE.search(before) or _PLACE.search(before)
    return length if begins else 0


def _is_name(text: str, words: list[re.Match[str]], at: int, length: int) -> bool:
    before = text[: words[at].start()]
    said = text[words[at].start() : words[at + length - 1].end()].casefold()
    if any(said == name or said.startswith(f"{name} ") for name in _NO_NAMES):
        return False
    if _TITLE.search(before):
        return True
    return words[at][0].casefold() in _SURNAMES and length > 1 and not _PLACE.search(before)


def _hide_around_codes(text: str, *, may_prove: bool) -> str:
    pieces = _AROUND_CODES.split(text)
    return "".join(piece if find_codes(piece) else _hide(piece, may_prove=may_prove) for piece in pieces)


def _hide(text: str, *, may_prove: bool) -> str:
    for pattern in (_EMAIL, _HEALTH_CARD, _PASSPORT):
        text = pattern.sub(HIDDEN, text)
    text = _LONG_NUMBER.sub(lambda found: found[0] if _is_date_like(found[0]) else HIDDEN, text)
    return FOUR.sub(HIDDEN, text) if may_prove else text


def _is_date_like(number: str) -> bool:
    """Tell whether what remains beside dates is too short for a number that identifies."""
    rest = DATE.sub("", number)
    return rest != number and sum(mark.isdigit() for mark in rest) < _FEWEST_DIGITS
