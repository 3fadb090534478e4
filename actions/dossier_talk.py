"""What a sentence means in a conversation about a dossier: a reply to our question, or one about it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from actions.dossier_facts import Fact, fact_said
from actions.dossier_telling import PAYING_TOPIC
from actions.finding import best_score, mentions_procedure, named_codes
from actions.life_events import tells_life_event
from actions.request import BARE, DOSSIER_QUESTIONS, Request
from knowledge.dossier_codes import find_codes, find_factor, has_near_code
from knowledge.redaction import HIDDEN
from knowledge.search import folded_words, words
from nlu.reading import FALLBACK, Entity, Reading

# Intents that ask a dossier's own facts when one is being talked of, with the fact when the words tell none.
_FACETS: dict[str, Fact | Literal["any"]] = {
    "ask_time_limit": "when",
    "ask_fee": "fee",
    "ask_documents": "lacking",
    "ask_where": "where",
    "ask_steps": "any",
    "ask_result": "when",
    "ask_postal_return": "where",  # «lấy kết quả ở đâu», when it says nothing of the post
}
_WITH_FACT = frozenset({"ask_dossier_status", "follow_dossier", FALLBACK})  # the same, when a fact is named
_LIKELY = 0.3
_CLEAR = 0.9  # a confidence from which something else was asked while proof is awaited
_NAMED = 0.6  # a score from which a sentence that names no fact is about a procedure
_SURELY_NAMED = 0.95
_SHORT = 5  # words of a reply that says little else
_MOST_WORDS = 12  # of a reply
_FEW_WORDS = 3  # beside a code that was sent alone
_LETTERS = re.compile(r"(?<![\w.])[^\W\d_]+(?![\w.])")  # words that are no part of a code

# With accents, since «đúng, theo dõi đi» would else be «dừng theo dõi».
_STOPS = re.compile(
    r"\b(?:thôi|thoi|ngừng|ngưng|ngung|dừng|đừng|bỏ|bo|huỷ|hủy|huy|khỏi|khoi)"
    r"(?: (?:không|khong|khỏi|cần|đừng|có|việc|cái|hết|lại|ngay|muốn))* (?:theo dõi|theo doi)\b"
)
_TELLS = re.compile(
    r"\b(?:bao cho|bao (?:em|toi|minh|tui|voi|nhe)|nhan|nhac|theo doi|thong bao|canh|keu|tin)\b"
)
_LACKS_PROOF = re.compile(
    r"\b(?:khong|ko|chang|hong|chua) (?:nho|biet|co|con)\b|\bquen\b"
    r"|\b(?:doi|mat) (?:so|sim)\b|\bso nao\b|\bghi so\b"
)
_HAS_NONE = re.compile(
    r"\b(?:khong|ko|chang|hong|chua) (?:nho|biet|co|con|thay)\b|\bquen\b"
    r"|\b(?:mat|that lac|lac mat) (?:roi|tieu)\b"
)
_SIGNS_IN = re.compile(r"\b(?:mat khau|dang nhap|tai khoan|vneid)\b")
_OTHER_CODE = r"(?! (?:so thue|otp|xac|dinh danh|bao mat|giao dich|van don|qr|buu))"
_NO_CODE = re.compile(
    r"\b(?:mat|lac|rot|that lac|khong co|khong con|chua co|quen|khong nho|khong biet|chua biet)(?: \w+)?"
    rf" (?:giay hen|to hen|giay bien nhan|bien nhan|giay tiep nhan|ma ho so|ma{_OTHER_CODE})\b"
    r"|\bma(?: so)?(?: ho so)?(?: (?:xem|ghi|lay|tim|in|nam|coi|kiem))* (?:o )?(?:dau|cho nao)\b"
    r"|\b(?:tra|tim|xem|coi)\b.*\b(?:bang|theo|qua)(?: so)?"
    r" (?:can cuoc|cccd|cmnd|cmt|dien thoai|sdt|dt|ten|ho ten|ma dinh danh|dinh danh)\b"
    r"|\bho so (?:cua|cho) (?:vo|chong|me|bo|ba|cha|con|anh|chi|em gai|em trai|ong|nguoi)\b"
    r".*\b(?:xem|tra|coi)(?: \w+){0,2} (?:duoc|dc)\b"
)
_WHERE_NOT_BY_POST = re.compile(r"(?!.*\b(?:buu|nha|gui|ship|post)\b).*\b(?:o dau|cho nao|noi nao)\b.*")
_WAIVER = re.compile(r"\b(?:mien|giam)\b")
_THEIRS = re.compile(r"\bho so (?:cua )?(?:toi|em|minh|tui|con|chau|bac|nha|vo|chong)\b")
_NOT_BY_QR = re.compile(r"\b(?:mien|giam|bien lai|hoa don|loi|tru tien|hoan)\b")


def meant_of_dossier(request: Request) -> Reading | None:
    """Read a sentence as what it means for the dossier being talked of or asked for; None: nothing."""
    reading, memory = request.reading, request.memory
    if _is_pressed(reading):
        return None
    if _is_one_question(request):
        return replace(reading, also=None)
    if _stops_following(request):
        return replace(reading, intent="unfollow_dossier")
    if _follows_code(reading):
        return replace(reading, intent="follow_dossier")
    if _only_tells_code(reading):
        return replace(reading, intent="track_dossier")
    if _tells_dossier(request) or _does_not_know(request):
        return replace(reading, intent=memory.proof_intent or memory.asked or "track_dossier")
    if says_no_code(request):
        return replace(reading, intent="track_dossier")
    if _tells_part_of_code(request):
        return replace(reading, intent=memory.asked or "track_dossier")
    if _asks_how_to_pay(request):
        return replace(reading, entities=(*reading.entities, Entity("topic", PAYING_TOPIC, reading.text)))
    return _asked_of_dossier(request)


def _is_pressed(reading: Reading) -> bool:
    return reading.text.partition("?")[0] == reading.intent


def _is_one_question(request: Request) -> bool:
    """Tell whether two codes, or a dossier and the fact asked of it, were taken for two questions."""
    reading = request.reading
    if reading.also is None or reading.intent not in DOSSIER_QUESTIONS or reading.all("procedure"):
        return False
    is_known = bool(request.memory.dossier or find_codes(reading.text))
    return len(find_codes(reading.text)) > 1 or (reading.also in _FACETS and is_known)


def _stops_following(request: Request) -> bool:
    reading = request.reading
    may_mean_it = reading.intent in BARE or reading.intent in ("follow_dossier", "track_dossier")
    return may_mean_it and bool(_STOPS.search(" ".join(words(reading.text))))


def _follows_code(reading: Reading) -> bool:
    """Tell whether an unclear sentence names a code and says «theo dõi»."""
    says_so = "theo doi" in folded_words(reading.text) and bool(find_codes(reading.text))
    return reading.intent in BARE and says_so


def _only_tells_code(reading: Reading) -> bool:
    """Tell whether a code, alone or with «khi nào xong», was taken for a wish to be told, or for nothing."""
    if reading.intent not in (BARE - {"cancel"}) | {"follow_dossier"} or not find_codes(reading.text):
        return False
    is_bare = len(_LETTERS.findall(reading.text)) <= _FEW_WORDS
    asks = is_bare or fact_said(reading.text) is not None or reading.intent in BARE
    return asks and not _TELLS.search(folded_words(reading.text))


def _tells_dossier(request: Request) -> bool:
    """Tell whether the text gives the code, or the proof, that was asked for now or just before."""
    memory, text = request.memory, request.reading.text
    if not memory.is_proof_asked and memory.proof_for and find_factor(text):
        return True  # one other question came between
    if memory.asked not in DOSSIER_QUESTIONS:
        return False
    if memory.proof_for and (HIDDEN in text or find_factor(text, is_asked=True)):
        return True  # hidden: it was stored, and a stop of the program came between
    return bool(find_codes(text))


def _does_not_know(request: Request) -> bool:
    """Tell whether a reply to the question for proof neither gives it nor clearly asks for anything else."""
    reading, memory = request.reading, request.memory
    is_awaited = memory.is_proof_asked or (memory.proof_for and reading.intent in BARE)
    if not is_awaited or reading.intent == "cancel" or find_codes(reading.text):
        return False
    said = folded_words(reading.text)
    is_short = len(said.split()) <= _MOST_WORDS and not reading.all("procedure")
    if is_short and _LACKS_PROOF.search(said) and not _SIGNS_IN.search(said):
        return True
    is_vague = memory.is_proof_asked and (reading.intent in BARE or reading.confidence < _CLEAR)
    return is_vague and not mentions_procedure(request) and not tells_life_event(request)


def says_no_code(request: Request) -> bool:
    """Tell whether someone has no code, or asks where it stands or what else one can search by."""
    reading, memory = request.reading, request.memory
    is_asked = memory.asked in DOSSIER_QUESTIONS
    is_about_it = is_asked or reading.intent in BARE | DOSSIER_QUESTIONS
    if not is_about_it or find_codes(reading.text) or has_near_code(reading.text):
        return False
    said = folded_words(reading.text)
    has_none = is_asked and not memory.proof_for and _HAS_NONE.search(said)
    return bool(_NO_CODE.search(said) or (has_none and len(said.split()) <= _SHORT))


def _tells_part_of_code(request: Request) -> bool:
    """Tell whether digits, but not the whole code, were sent when a code was asked for."""
    memory, reading = request.memory, request.reading
    is_code_asked = memory.asked in DOSSIER_QUESTIONS and not memory.proof_for
    return is_code_asked and has_part_of_code(reading) and not named_codes(request)


def has_part_of_code(reading: Reading) -> bool:
    """Tell whether a short text that says little else has digits, but no whole code."""
    has_digits = re.search(r"\d{2}", reading.text) and (
        reading.intent in BARE or not _LETTERS.search(reading.text)
    )
    is_part = has_digits or has_near_code(reading.text) or find_factor(reading.text, is_asked=True)
    return bool(is_part) and not find_codes(reading.text) and len(reading.text.split()) <= _MOST_WORDS


def _asks_how_to_pay(request: Request) -> bool:
    is_asked = request.reading.intent == "ask_online_payment" and _is_talked_of(request)
    is_known = PAYING_TOPIC in request.catalogue.topics and not request.reading.first("topic")
    return is_asked and is_known and not _NOT_BY_QR.search(folded_words(request.reading.text))


def _is_talked_of(request: Request) -> bool:
    """Tell whether a dossier was talked of last, or «hồ sơ của tôi» leads back to it."""
    says_theirs = _THEIRS.search(folded_words(request.reading.text))
    return bool(request.memory.dossier and (request.memory.procedure is None or says_theirs))


def _asked_of_dossier(request: Request) -> Reading | None:
    """Read a question that names no procedure as one about the dossier being talked of."""
    reading, memory = request.reading, request.memory
    if not _is_talked_of(request) or memory.asked in _FACETS or find_codes(reading.text):
        return None
    fact = fact_said(reading.text)
    facet = _facet(reading)
    is_asked = facet is not None or (fact is not None and reading.intent in _WITH_FACT)
    wants_news = reading.intent == "follow_dossier" and _TELLS.search(folded_words(reading.text))
    is_waiver = _WAIVER.search(folded_words(reading.text))
    if not is_asked or wants_news or is_waiver or _names_procedure(request, fact):
        return None
    asked = Entity("fact", fact or _FACETS[facet or "ask_where"], reading.text)
    return replace(reading, intent="track_dossier", entities=(*reading.entities, asked), also=None)


def _facet(reading: Reading) -> str | None:
    """Give the facet a sentence asks for, or, when it is unclear, most likely asks for."""
    if reading.intent == "ask_postal_return":
        return reading.intent if _WHERE_NOT_BY_POST.fullmatch(folded_words(reading.text)) else None
    if reading.intent in _FACETS:
        return reading.intent
    likely = (intent for intent, confidence in reading.alternatives if confidence >= _LIKELY)
    return next((intent for intent in likely if intent in _FACETS), None) if reading.is_unclear else None


def _names_procedure(request: Request, fact: Fact | None) -> bool:
    if named_codes(request) or request.reading.all("procedure") or tells_life_event(request):
        return True
    if request.reading.intent in _WITH_FACT - {FALLBACK}:
        return False
    return best_score(request) >= (_SURELY_NAMED if fact else _NAMED)
