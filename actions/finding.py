"""Deciding which procedure the citizen means: it is asserted only when it is clear."""

from __future__ import annotations

import re

from actions.answer import Answer
from actions.request import Request
from actions.telling_apart import ask_between, offer
from actions.wording import say
from knowledge.facets import are_twins, is_said, says_more
from knowledge.records import Procedure
from knowledge.search import Hit, folded_words, is_clear, procedure_codes, rivals

_THIS = re.compile(r"\b(?:thu tuc|viec|giay|ho so) (?:nay|do|ay|tren|vua roi)\b")
# What stands before a paper or status that is only mentioned: "có cần X không", "thuộc diện X".
_BESIDE = re.compile(
    r"\b(?:co can|can co|phai co|co phai|thuoc dien|thuoc|dien|la ho|kem|kem theo|mang theo|nop them|cua)$"
)
_STATUS = re.compile(
    r"\b(?:thuộc|thuoc)(?: (?:diện|dien))? (?:\w+ ){1,5}?(?=(?:thì|thi|có|co|được|duoc)\b)", re.IGNORECASE
)
MOST_TWINS = 8  # near procedures that one question tells apart
WORTH_ASKING = 0.5  # a best score from which it is worth offering choices
MENTIONED = 0.6  # a best score from which a sentence is taken to name a procedure
SURELY_SAID = 0.9  # a score from which nothing is missing to tell a procedure from its twins
UNSAID = 0.7  # the share of the best score from which another makes one ask for what tells them apart
SIMILAR = 0.55  # the share of the best score that puts a procedure among the choices


def which_procedure(request: Request, intent: str) -> Procedure | Answer:
    """Give the procedure meant, or the Answer that asks for it.

    A procedure that is being talked of stays unless the sentence marks another by name: a paper
    that is only mentioned ("có cần giấy khai sinh không") does not change the subject.
    """
    if codes := named_codes(request):
        return ask_between(request, intent, codes) if len(codes) > 1 else _by_code(request, codes[0])
    remembered = request.memory.procedure
    if remembered and _is_about_the_same(request):
        return _by_code(request, remembered)
    if _only_mentions(request):
        return Answer("asked_back", (say("procedure.which"),))
    if request.library.is_not_covered(request.reading.text):
        return _not_found(request)
    marks = " ".join(entity.text for entity in request.reading.all("procedure"))
    if remembered and not marks:
        return _remembered_or_ask(request, intent, remembered)
    hits = _hits(request, marks)
    if is_clear(hits) and not _contested(request, hits[0].key):
        if hits[0].variants:
            return ask_between(request, intent, [hits[0].key, *hits[0].variants])
        if twins := _twins_unsaid(request, hits):
            return ask_between(request, intent, [hits[0].key, *twins])
        return request.catalogue.procedures[hits[0].key]
    if remembered and (not hits or hits[0].score < MENTIONED or remembered in _keys(rivals(hits))):
        return _by_code(request, remembered)
    if hits and hits[0].score >= WORTH_ASKING:
        says_enough = best_score(request) >= WORTH_ASKING
        whole = request.library.find_procedures(_matter(request))
        return _ask_which(request, intent, whole if says_enough else hits)
    return _not_found(request) if marks else Answer("asked_back", (say("procedure.which"),))


def _matter(request: Request) -> str:
    """Give the text without what the citizen says of themselves ("tôi thuộc hộ nghèo thì …")."""
    return _STATUS.sub(" ", request.reading.text)


def _is_about_the_same(request: Request) -> bool:
    """Tell whether the text points back ("thủ tục này") or only mentions a paper or status."""
    return bool(_THIS.search(folded_words(request.reading.text))) or _only_mentions(request)


def _only_mentions(request: Request) -> bool:
    """Tell whether each procedure marked in the text is only a paper or status beside the matter."""
    text = folded_words(request.reading.text)
    names = [folded_words(entity.text) for entity in request.reading.all("procedure")]
    return bool(names) and all(_BESIDE.search(text.partition(name)[0].rstrip()) for name in names)


def _remembered_or_ask(request: Request, intent: str, remembered: str) -> Procedure | Answer:
    """Stay with the procedure being talked of, unless the unmarked words may name another: then ask."""
    hits = request.library.find_procedures(_matter(request))
    if not hits or hits[0].score < MENTIONED or remembered in _keys(rivals(hits)):
        return _by_code(request, remembered)
    return offer(request, intent, [remembered, hits[0].key])


def _keys(hits: list[Hit[str]]) -> list[str]:
    return [key for hit in hits for key in (hit.key, *hit.variants)]


def mentions_procedure(request: Request) -> bool:
    """Tell whether the text itself names a procedure; where nothing else is understood, hardly is enough."""
    enough = WORTH_ASKING if request.reading.is_unclear else MENTIONED
    return bool(named_codes(request)) or best_score(request) >= enough


def best_score(request: Request) -> float:
    """Give how well the whole sentence fits the best procedure, 0 to 1."""
    hits = request.library.find_procedures(_matter(request))
    return hits[0].score if hits else 0.0


def _hits(request: Request, marks: str) -> list[Hit[str]]:
    """Search the whole sentence; where it is not clear, also what was marked in it."""
    whole = request.library.find_procedures(_matter(request))
    if not marks or is_clear(whole):
        return whole
    found = sorted((*request.library.find_procedures(marks), *whole), key=lambda hit: hit.score)
    best = {hit.key: hit for hit in found}
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.key))


def _contested(request: Request, code: str) -> bool:
    """Tell whether the whole sentence rather speaks for a near twin of a marked procedure."""
    whole = request.library.find_procedures(_matter(request))
    return bool(whole) and whole[0].key != code and whole[0].key in request.catalogue.procedures[code].near


def named_codes(request: Request) -> list[str]:
    """Give the national codes that a choice or the text names."""
    chosen = request.reading.first("procedure") or ""
    return procedure_codes(chosen) or procedure_codes(request.reading.text)


def _by_code(request: Request, code: str) -> Procedure | Answer:
    found = request.catalogue.procedures.get(code)
    return found or _not_found(request)


def _ask_which(request: Request, intent: str, hits: list[Hit[str]]) -> Answer:
    """Ask for what tells the likely ones apart when they are twins, else offer them by name."""
    similar = [hit for hit in hits if hit.score >= hits[0].score * SIMILAR]
    first, *others = _records(request, _keys(similar))
    lacking = [one for one in others if is_said(says_more(first, one), request.reading.text)]
    twins = [one for one in others if one not in lacking and are_twins(first, one, request.catalogue.facets)]
    strong = [hit for hit in hits if hit.score >= hits[0].score * UNSAID]
    rest = set(_keys(strong)) - {one.code for one in (first, *twins, *lacking)}
    if twins and not rest:
        return ask_between(request, intent, [first.code, *(one.code for one in twins)])
    return offer(request, intent, _keys(similar))


def _twins_unsaid(request: Request, hits: list[Hit[str]]) -> list[str]:
    """List near twins of the best hit when the text says nothing of what its name has and theirs lack.

    "mở công ty" fits "công ty cổ phần" best, but names no kind of company.
    """
    if hits[0].score >= SURELY_SAID:
        return []
    best, *others = _records(request, _keys([hit for hit in hits if hit.score >= hits[0].score * UNSAID]))
    text, facets = request.reading.text, request.catalogue.facets
    return [
        one.code
        for one in others
        if are_twins(best, one, facets) and (told := says_more(best, one)) and not is_said(told, text)
    ]


def _records(request: Request, codes: list[str]) -> list[Procedure]:
    known = request.catalogue.procedures
    return [known[code] for code in dict.fromkeys(codes) if code in known][:MOST_TWINS]


def _not_found(request: Request) -> Answer:
    portals = [portal for portal in request.catalogue.national.portals if portal.holds_on(request.today)]
    address = ", ".join(portal.url for portal in portals) or say("not_stated")
    return Answer("not_found", (say("procedure.not_found", portal=address),))
