"""Reading the columns of the national portal's procedure pages, whose table borders a crawl has lost.

Every parser cuts its text into pieces that join back to it; what no field holds is a piece named ``rest``,
what the text leaves open is never guessed but becomes a doubt, for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, pairwise
from textwrap import wrap
from typing import Generic, NamedTuple, TypeVar

from knowledge.records import NOT_STATED, Case, Channel, ChannelName, Document, Fee, LegalBasis, Level
from knowledge.search import fold

WAYS: dict[str, ChannelName] = {"Trực tuyến": "online", "Trực tiếp": "direct", "Dịch vụ bưu chính": "postal"}
LEVELS: dict[str, Level] = {"cap xa": "commune", "cap tinh": "province", "cap bo": "ministry"}
SILENT = "Không có thông tin"
NOTHING = {"", "khong", "khong co", "khong co thong tin", "khong quy dinh"}
CHANNEL_HEAD = "Hình thức nộpThời gianPhí, lệ phíMô tả"
DOCUMENT_HEAD = "Tên giấy tờMẫu đơn, tờ khaiSố lượng"
LEGAL_HEAD = "Tên văn bản pháp lýMã văn bản"
SMALLEST_AMOUNT = 1_000  # đồng; the portal shows "20 VNĐ" where someone typed 20.000
LONGEST_ID = 16
LONGEST_COLUMN = 500_000  # characters; the longest real one has under 60,000
BLANK = " -.\t\r\n\xa0"
T = TypeVar("T")


class Piece(NamedTuple):
    """A stretch of the source text and the part it plays."""

    part: str
    text: str


@dataclass(frozen=True)
class Parsed(Generic[T]):
    """What a column says, the pieces it was read from, and what is doubtful about it."""

    value: T
    pieces: tuple[Piece, ...]
    doubts: tuple[str, ...]

    @property
    def remainder(self) -> str:
        """The text that no field holds."""
        return "".join(piece.text for piece in self.pieces if piece.part == "rest")


Rows = Parsed[tuple[T, ...]]
Marks = list[tuple[int, str]]  # where each piece begins, and its part
Doubts = list[str]


def _begin(text: str) -> tuple[str, str, Marks, Doubts]:
    """Part a text from the page's own words that the crawl dragged along, and from what is too long."""
    start = text.find("Từ khóa", 0, LONGEST_COLUMN)
    end = start if start >= 0 and text.find("Mô tả", start) > 0 else min(len(text), LONGEST_COLUMN)
    return text[:end], text[end:], [], [f"dài bất thường: {len(text)} ký tự"] if end == LONGEST_COLUMN else []


def _cut(text: str, marks: Marks) -> tuple[Piece, ...]:
    """Cut a text at the marks; what stands before the first one is ``rest``."""
    bounds = [(0, "rest"), *sorted(marks, key=lambda mark: mark[0]), (len(text), "")]
    return tuple(Piece(part, text[start:end]) for (start, part), (end, _) in pairwise(bounds) if start < end)


def _parsed(text: str, value: Iterable[T], marks: Marks, doubts: Doubts, page: str = "") -> Rows[T]:
    """Put a result together; a text with nothing to read in it is no doubt, an unreadable one is."""
    bare = re.sub(f"^(?:{CHANNEL_HEAD}|{DOCUMENT_HEAD}|{LEGAL_HEAD})", "", text[:120]).strip(BLANK)
    nothing = len(text) < 120 and fold(bare) in NOTHING
    items, pieces = () if nothing else tuple(dict.fromkeys(value)), _cut(text, marks)
    if not items:
        pieces = _cut(text, [(0, "nothing" if nothing else "rest")])
        doubts = [] if nothing else [f"không đọc được: {_quote(text)}"]
    elif lost := Parsed(items, pieces, ()).remainder.strip(BLANK):
        doubts = [*doubts, f"phần chưa đọc được: {_quote(lost)}"]
    return Parsed(items, pieces + _cut(page, []), tuple(dict.fromkeys(doubts)))


def _tidy(text: str, between: str = " ") -> str:
    """Give a text single spaces and no empty lines, in a form that every record takes."""
    lines = text.encode("utf-8", "replace").decode().splitlines()
    return between.join(filter(None, (" ".join(line.split()) for line in lines)))


def _quote(text: str) -> str:
    return f'"{_tidy(text[:80])}{"…" * (len(text) > 80)}"'


# The channels: "Trực tuyến7 Ngày làm việc10,000 VNĐ(lời chú)mô tảTrực tiếp1Miễn phí…"
_ROW = re.compile(
    rf"(?P<channel>{'|'.join(WAYS)})"
    r"(?P<time>\d{1,4}(?:[.,]\d{1,2})?\s?(?:(?:Ngày|Giờ)(?: làm việc)?|Tháng|Tuần|Phút|Năm)"
    r"|Không có thông tin|\d{1,4}(?=Miễn phí|Không có)|(?=\d)"  # a bare number, or one glued to the fee
    r"|[A-ZĐ](?:(?!Trực t|Dịch vụ)[^\n]){1,120}?(?=[MK]))(?P<fee>Miễn phí|Không có thông tin"
    r"|(?P<amount>\d[\d.,]{0,15})\s?(?P<currency>VNĐ|Việt Nam Đồng|[Đđ]ồng|USD|EUR|%))"
)
_LIST_LABEL = re.compile(r"\((?:\d{1,2}|[a-zđ]|[ivx]{1,5})\)")  # such a bracket begins the note
_AMOUNT = re.compile(r"0|[1-9]\d{0,2}(?:[,.]\d{3})+|[1-9]\d*")
_MONEY = r"\d[\d.,]{0,15}\s?(?:đ\b|đồng|vnđ|usd|triệu|%|/)"
_OWED = re.compile(  # what the bracket beside "Miễn phí" may say against it
    rf"(?i){_MONEY}|\A(?!\W{{0,5}}(?:không|chưa))[^\0]*?(?:thông tư|nghị định|luật|nhân dân|quy định|mức|biểu"
    r"|phải nộp|chi phí|trả phí|phí do |bị cắt|miễn (?:lệ )?phí (?:cho|đối với|với|kể từ))"
)
_OWED_IN_NOTE = re.compile(rf"(?i)phí\s{{0,3}}:(?!\s{{0,3}}không)|phí[^.;\n]{{0,60}}?{_MONEY}")


def parse_channels(text: str) -> Rows[Channel]:
    """Read the ways to file, one Channel each; the rows of the same channel are merged."""
    text, page, marks, doubts = _begin(text)
    marks += [(0, "head"), (len(CHANNEL_HEAD), "rest")] if text.startswith(CHANNEL_HEAD) else []
    found: dict[ChannelName, list[tuple[str, tuple[Fee, ...], str]]] = {}
    rows = list(_ROW.finditer(text))
    for row, end in zip(rows, [*(row.start() for row in rows[1:]), len(text)], strict=False):
        noted = _end_of_bracket(text, row.end(), end, doubts)
        what, note = _tidy(text[row.end() + 1 : noted]), _tidy(text[noted:end], "\n")
        what = what[: len(what) - max(0, what.count(")") - what.count("("))].strip()
        what = what or "lời chú bị cắt" * (noted > row.end())
        read = (_time_limit(row, doubts), _fees(row, what, note, doubts), note)
        found.setdefault(WAYS[row["channel"]], []).append(read)
        marks += [(row.start(part), part) for part in ("channel", "time", "fee")]
        marks += [(row.end(), "fee_note"), (noted, "note")]
    return _parsed(text, [_merged(name, same, doubts) for name, same in found.items()], marks, doubts, page)


def _end_of_bracket(text: str, start: int, end: int, doubts: Doubts) -> int:
    """Find where the bracket after a fee closes; an unclosed one goes up to its last bracket."""
    if not text.startswith("(", start, end) or _LIST_LABEL.match(text, start, end):
        return start
    depth = 0
    for index in range(start, end):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1 + text.startswith(")", index + 1, end)
    doubts.append(f"lời chú về phí không đóng ngoặc: {_quote(text[start:end])}")
    return text.rfind(")", start, end) + 1 or end


def _time_limit(row: re.Match[str], doubts: Doubts) -> str:
    time, fee = _tidy(row["time"]), _quote(row["fee"])
    if not time:
        doubts.append(f"thời hạn và phí dính liền: {fee}")
        return f"Cổng ghi liền {fee}, không tách được thời hạn và phí"
    if time.isdecimal():
        doubts.append(f'thời hạn không có đơn vị: "{time}"')
        return f'Cổng chỉ ghi số "{time}", không nói ngày hay giờ'
    if time != SILENT and not time[0].isdecimal():
        doubts.append(f"thời hạn không phải con số: {_quote(time)}")
    return time


def _fees(row: re.Match[str], what: str, note: str, doubts: Doubts) -> tuple[Fee, ...]:
    """Read the fee of a row; ``Miễn phí`` is 0 unless the words beside it tell of something to pay."""
    fee = row["fee"]
    if fee == SILENT:
        return (Fee(amount=NOT_STATED, what=what),) if what else ()
    if fee == "Miễn phí":
        if not (_OWED.search(what) if what else _OWED_IN_NOTE.search(note)):
            return (Fee(amount=0, what=what or None),)
        doubts.append(f"ghi miễn phí nhưng lời chú nói có phí: {_quote(what or note)}")
    elif row["time"] and row["currency"].endswith(("VNĐ", "ồng")) and _AMOUNT.fullmatch(row["amount"]):
        amount = int(re.sub("[.,]", "", row["amount"]))
        if amount == 0 or amount >= SMALLEST_AMOUNT:
            return (Fee(amount=amount, what=what or None),)
        doubts.append(f"mức phí nhỏ bất thường: {_quote(fee)}")
    return (Fee(amount=NOT_STATED, what=f'Cổng ghi "{fee}"' + (f": {what}" if what else "")),)


def _merged(name: ChannelName, rows: list[tuple[str, tuple[Fee, ...], str]], doubts: Doubts) -> Channel:
    limits = list(dict.fromkeys(time for time, _, _ in rows))
    doubts += [f"một cách nộp có nhiều thời hạn: {_quote(' / '.join(limits))}"] if len(limits) > 1 else []
    time = NOT_STATED if limits == [SILENT] else "; ".join(limits)
    fees = tuple(dict.fromkeys(fee for _, row_fees, _ in rows for fee in row_fees)) or NOT_STATED
    note = "\n".join(dict.fromkeys(note for _, _, note in rows if note)) or None
    return Channel(channel=name, time_limit=time, fees=fees, note=note)


# The dossier's papers: "tiêu đề" + head + "tên giấy tờTên tệp.docx1 bản chính,1 bản sao…"
_LOW = "".join(filter(str.islower, map(chr, range(0x61, 0x1EFA))))
_UP = "".join(filter(str.isupper, map(chr, range(0x41, 0x1EFA))))
_QUANTITY = re.compile(  # "01 bản chính" and "(1 bản chính hoặc" belong to a paper's name
    r"(?<!\d)(?!0\d bản)(?!(?<=[ (])\d bản chính[ ,.;)])"
    r"(?:(?:19|20)\d\d|(?P<glued>\d{0,7}))(?P<originals>\d) bản chính(?:, ?(?P<copies>\d{1,3}) bản sao)?"
)
_STEP = r"(?:[a-zđ]\) ?)?Bước \d{1,2}(?:\.\d{1,2})?\s{0,2}[:.)–-]"
_BULLET = re.compile(rf"[\s\-+*•●–\uf0a7\uf0d8\uf0fc]*(?:{_STEP}\s*)?")
_FILE_END = re.compile(r"\.(?:docx?|pdf|xlsx?|rtf|odt|zip|rar|jpe?g|png)", re.IGNORECASE)
_NEW_CELL = re.compile(  # where a form's file name seems to begin, though no border shows
    rf"(?:(?<=[.,;:)\]”])(?!(?<=\d[.,])\d)(?=\w)|(?<=[^\W\d_][{_LOW}])(?=\d)|(?<=[{_LOW}])(?<!VNe)(?=[{_UP}])"
    rf"|(?<=\w)(?!Tg|.(?:mẫu|mau|đơn|văn|tờ|báo|thuyết|phụ))(?=[{_UP}][{_LOW}])"
    r"|(?<=\w)(?=mẫu|mau|đơn |văn bản|tờ trình|báo cáo|thuyết minh|phụ lục|MẪU|PHỤ))"
    r'(?=[^/\\:*?"<>|;\n\t]*\Z)'
)
_PART = re.compile("(?i)(?:các )?giấy tờ|lưu ý|thành phần")  # a heading inside a case
_CASE_WORD = re.compile(r"\b(?!(?:truong|hop|doi|voi|ho|so|thanh|phan|cac|cua|gom|bao)\b)[a-z0-9]+")


def parse_documents(text: str) -> Rows[Case]:
    """Read the papers of the dossier, one Case for each table, named by the heading above it."""
    text, page, marks, doubts = _begin(text)
    marks.append((0, "heading"))
    cases: dict[str, Case] = {}
    heads = [head.start() for head in re.finditer(DOCUMENT_HEAD, text)]
    last = 0  # where the table before ended and a heading begins
    for head, end in zip(heads, [*heads[1:], len(text)], strict=False):
        name = _tidy(text[last:head]).strip(" -*+:;") or "Hồ sơ"
        documents, last = _documents(text, head + len(DOCUMENT_HEAD), end, marks, doubts)
        marks += [(head, "head"), (last, "heading" if end < len(text) else "rest")]
        doubts += [f"có thể không là trường hợp: {_quote(name)}"] if _PART.match(name) else []
        case_id = _case_id(name, cases)
        cases[case_id] = Case(id=case_id, name=name, documents=documents or NOT_STATED)
    return _parsed(text, cases.values(), marks, doubts, page)


def _documents(text: str, start: int, end: int, marks: Marks, doubts: Doubts) -> tuple[list[Document], int]:
    """Read the rows of one table; tell where the last one ends."""
    documents: list[Document] = []
    for row in _QUANTITY.finditer(text, start, end):
        stop = row.start("originals")
        begin = stop - len(_BULLET.sub("", text[start:stop], count=1))
        cell = _form_start(text, begin, stop, doubts)
        form = _tidy(_FILE_END.sub(r"\g<0>; ", text[cell:stop])).strip(" ;") or None
        name = _tidy(text[begin:cell]).rstrip(" ;,.") or form
        marks += [(start, "bullet"), (begin, "name"), (cell, "form"), (stop, "quantity" if name else "rest")]
        start = row.end()
        doubts += [f"số lượng dính với chữ số trước: {_quote(row[0])}"] if row["glued"] else []
        if name:
            originals, copies = int(row["originals"]), int(row["copies"] or 0)
            documents.append(Document(name=name, form=form, originals=originals, copies=copies))
    return documents, start


def _form_start(text: str, start: int, end: int, doubts: Doubts) -> int:
    """Find where the form's file names begin that are glued to a paper's name; else give the end."""
    files = list(_FILE_END.finditer(text, max(start, end - 2_000), end))
    if not files or files[-1].end() != end:
        return end
    glue = _NEW_CELL.search(text, max(start + 1, files[0].start() - 150), files[0].start())
    if not glue:
        doubts.append(f"không tách được tên tệp mẫu: {_quote(text[max(start, end - 60) : end])}")
    return glue.start() if glue else end


def _case_id(name: str, taken: dict[str, Case]) -> str:
    slug = wrap(" ".join(_CASE_WORD.findall(fold(name[:200]))) or "ho so", LONGEST_ID)[0].replace(" ", "-")
    numbered = (slug[: LONGEST_ID - len(f"-{n}")].rstrip("-") + f"-{n}" for n in count(len(taken) + 1))
    return slug if slug not in taken else next(each for each in numbered if each not in taken)


# The legal basis: "Luật Hộ tịch60/2014/QH13Nghị định 123/2015/NĐ-CP123/2015/NĐ-CP…"
_AGENCY = (
    r"(?:CTN|CP?|TTg|BTC|BTP|BCA|BNNPTNT|BNNMT|BTNMT|BGTVT|BXD|BKHĐT|BKHCN|BLĐTBXH|BYT|BCT|BNV|BNG|BQP|BTTTT"
)
_AGENCY += r"|BVHTTDL|BGDĐT|NHNN|VPCP|VPQH|TANDTC|VKSNDTC|TTCP|UBND|HĐND|BHXH|UBTVQH\d\d|QH\d\d)"
_KIND = "Bộ luật|Luật|Nghị định|Nghị quyết|Thông tư|Quyết định|Pháp lệnh"
_NUMBER = re.compile(
    rf"(?P<kind>(?:(?:{_KIND}|NĐ|TT)(?: số)?|[Ss]ố)[\s:.]{{0,3}})?"
    r"(?P<year>(?<=[/ –-])(?:19|20)\d\d\.?(?=\d{1,4}/))?"
    r"(?P<number>\d{1,5}(?:\.[\da-z]{1,2}|[a-z])?(?:/\d{4})?/"
    rf"(?:QH\d\d|UBTVQH\d\d|(?:NĐ|ND|TTLT|TT|QĐ|QD|NQLT|NQ|PL|CT|L|VBHN)\s?[-–/]\s?{_AGENCY}(?:-{_AGENCY})*)"
    r"|\d{1,4}-(?:CP|HĐBT))"
)
_TWO_TITLES = re.compile(rf"[{_LOW}\d.;)](?:{_KIND}) ")


def parse_legal_basis(text: str) -> Rows[LegalBasis]:
    """Read the official texts, each by its title and by the number that ends its row."""
    text, page, marks, doubts = _begin(text)
    found: dict[str, LegalBasis] = {}
    start = len(LEGAL_HEAD) if text.startswith(LEGAL_HEAD) else 0
    marks += [(0, "head"), (start, "rest")]
    numbers = list(_NUMBER.finditer(text))
    for this, following in zip(numbers, [*numbers[1:], None], strict=False):
        if _ends_row(text, start, this, following):
            number = "".join(this["number"].split())
            title = _tidy(text[start : this.start("number" if this["year"] else 0)]).strip(" .;,-")
            doubts += [f"có thể dính hai văn bản: {_quote(title)}"] if _TWO_TITLES.search(title) else []
            found.setdefault(number, LegalBasis(number=number, title=title or _tidy(this[0])))
            marks += [(start, "title"), (this.start("number"), "number"), (this.end(), "rest")]
            start = this.end()
    return _parsed(text, found.values(), marks, doubts, page)


def _ends_row(text: str, start: int, this: re.Match[str], following: re.Match[str] | None) -> bool:
    """Tell whether a number is a row's own one, not one that a title cites."""
    tail = text[this.end() : this.end() + 30]
    if this["year"] or (this.start() > start and text[this.start() - 1] not in ' \t\xa0(“"/-'):
        return not tail.startswith((" ngày", " của", " và", ",", ")"))
    if following and (following.start() == this.end() or following["number"] == this["number"]):
        return this.start() == start and following["number"] != this["number"]
    return not tail.strip() or tail[0] == "\n" or tail[0].isalnum() or tail.lstrip()[0].isupper()


_CODE = re.compile(r"Mã: ?(?:(?:[A-Z\d]{1,9}[.\-_]){0,6}[A-Z]{0,6}\d{1,9}|[A-Z]{3,9}\b|[^\n]{1,99}$)")
_STEP_START = re.compile(rf"(?:^|\n|(?<=[.;:]) {{1,3}})[ \t+*•-]{{0,6}}{_STEP}")
_LINE_START = re.compile(rf"(?:^|(?<=[.;:]\n)|(?<=\n)(?![{_LOW}]{{1,9}}[ ,]))[^\n]")  # not a wrapped line
_ITEM = re.compile(r"(?:[^,(]+|\([^)]{0,80}\)|\(|,(?!\s{0,9}[A-ZĐ]))+")


def parse_results(text: str) -> Rows[str]:
    """Read the names of the results, each of which ends with its code."""
    text, page, marks, doubts = _begin(text)
    names: list[str] = []
    start = 0
    for code in _CODE.finditer(text):
        begin = code.start() - len(_BULLET.sub("", text[start : code.start()], count=1))
        names.append(_tidy(text[begin : code.start()]).strip(" ;,."))
        marks += [(start, "bullet"), (begin, "name" if names[-1] else "rest")]
        marks += [(code.start(), "code"), (code.end(), "rest")]
        start = code.end()
    about = page.partition("Mô tả")[2]
    doubts += [] if about.startswith(SILENT) or not about else [f"mục Mô tả có nội dung: {_quote(about)}"]
    return _parsed(text, filter(None, names), marks, doubts, page)


def parse_lines(text: str) -> Rows[str]:
    """Read steps or conditions: the steps if they are numbered "Bước 1", else the lines."""
    text, page, marks, doubts = _begin(text)
    starts = [step.start() for step in _STEP_START.finditer(text)]
    lines = _LINE_START.finditer(text, 0, starts[0] if starts else len(text))
    starts = [*(line.start() for line in lines), *starts, len(text)]
    items: list[str] = []
    for start, end in pairwise(starts):
        begin = end - len(_BULLET.sub("", text[start:end], count=1))
        marks += [(start, "bullet"), (begin, "line")]
        items.append(_tidy(text[begin:end], "\n"))
    doubts += ["các bước đánh số lại từ 1"] if len(re.findall(r"Bước 1\s?[:.)–-]", text)) > 1 else []
    doubts += ["văn bản bị cắt ở cuối"] if text.rstrip().endswith(("(", "tại mục", ",")) else []
    return _parsed(text, filter(None, items), marks, doubts, page)


def parse_applicants(text: str) -> Rows[str]:
    """Read who may apply; a comma inside a name or bracket does not part two."""
    text, page, marks, doubts = _begin(text)
    found = [item for item in _ITEM.finditer(text) if item[0].strip()]
    marks += [mark for item in found for mark in ((item.start(), "name"), (item.end(), "comma"))]
    return _parsed(text, [_tidy(item[0]) for item in found], marks, doubts, page)


def parse_levels(text: str) -> Rows[Level]:
    """Read the levels of government, which are listed as applicants are; unknown ones are ``other``."""
    listed = parse_applicants(text)
    odd = [f"cấp lạ: {_quote(name)}" for name in listed.value if fold(name) not in (*LEVELS, "co quan khac")]
    levels = dict.fromkeys(LEVELS.get(fold(name), "other") for name in listed.value)
    return Parsed(tuple(levels), listed.pieces, (*listed.doubts, *odd))
