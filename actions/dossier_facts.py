"""The one fact that was asked of a dossier, said first: when, late or not, why, the fee, what is lacking."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, get_args

from actions.wording import day, dong, say
from knowledge.dossiers import ENDED, FINISHED, PAYMENT, SUPPLEMENT, Deadline, Dossier
from knowledge.search import folded_words

Fact = Literal[
    "paused",  # what «tạm dừng» means
    "supplement_by",
    "supplement_where",
    "lacking",
    "where",  # something is to be handed in
    "pay",  # where
    "fee",
    "why",  # it takes so long
    "late",
    "when",
]
# What in a sentence, its accents left out, asks for a fact; the first that fits.
_SAID: dict[Fact, re.Pattern[str]] = {
    "paused": re.compile(r"\btam (?:dung|ngung)\b"),
    "supplement_by": re.compile(
        r"\bhan (?:chot |cuoi )?(?:de )?(?:nop )?bo sung\b"
        r"|\bbo sung\b.*\b(?:den|truoc|toi|cham nhat)(?: la)? (?:ngay|khi|hom) nao\b"
        r"|\bbo sung\b.*\b(?:han chot|het han|thoi han)\b"
    ),
    "supplement_where": re.compile(
        r"\b(?:bo sung|nop them)\b.*\b(?:o dau|cho nao|noi nao)\b|\b(?:o dau|cho nao)\b.*\bbo sung\b"
    ),
    "lacking": re.compile(
        r"\bthieu(?: \w+){0,2} (?:gi|nao)\b|\bcon thieu\b"
        r"|\b(?:bo sung|nop them)(?: (?!(?:roi|xong|khi|ngay|hom|luc)\b)\w+){0,3} (?:gi|nao)\b"
    ),
    "pay": re.compile(
        r"\b(?:nop|dong|tra)(?: \w+)? (?:tien|phi|le phi|thue)\b.*\b(?:o dau|cho nao|dau|noi nao)\b"
        r"|\b(?:o dau|cho nao)\b.*\b(?:nop|dong) (?:tien|phi|le phi|thue)\b"
    ),
    "fee": re.compile(
        r"\b(?:bao nhieu|may) (?:tien|dong)\b|\b(?:phi|tien)\b.*\b(?:bao nhieu|may|the nao)\b"
        r"|\bco (?:mat|ton|phai nop|phai dong) (?:tien|phi)\b"
    ),
    "why": re.compile(r"\b(?:sao|gi)\b.*\b(?:lau|cham|tre|chua xong|chua co)\b"),
    "late": re.compile(
        r"\b(?:tre|qua|cham) (?:han|hen|ngay)\b|\b(?:co|bi|da) (?:bi )?(?:tre|cham)\b|\btre roi\b"
    ),
    "when": re.compile(
        r"\b(?:khi nao|bao gio|chung nao|luc nao|(?:ngay|hom) nao|bao lau|may (?:ngay|hom)|bao nhieu ngay)\b"
        r"|\bcon lau\b"
    ),
}
_MEANING = re.compile(r"\b(?:nghia la|la (?:gi|sao)|nghia gi)\b")  # what a word means
_A_DAY = timedelta(days=1)


def fact_said(text: str) -> Fact | None:
    """Find the fact of a dossier that a sentence asks for."""
    said = folded_words(text)
    facts: Iterable[Fact] = ("paused",) if _MEANING.search(said) else _SAID
    return next((fact for fact in facts if _SAID[fact].search(said)), None)


def as_fact(name: str | None) -> Fact | None:
    """Read the name of a fact back."""
    return next((fact for fact in get_args(Fact) if fact == name), None)


def tell_fact(
    fact: Fact | None, dossier: Dossier, standing: Deadline | None, today: date, *, is_proven: bool
) -> list[str]:
    """Say the fact that was asked for in a sentence or two; nothing when none was."""
    match fact:
        case None:
            return []
        case "when":
            return [_when(standing, dossier, today)]
        case "late":
            return [_late(standing)]
        case "why":
            return [
                _why(dossier),
                *([] if dossier.status == SUPPLEMENT else [_when(standing, dossier, today)]),
            ]
        case "lacking":
            return [_lacking(dossier, is_proven=is_proven)]
        case "fee":
            return [_fee(dossier, is_proven=is_proven)]
        case "pay":
            return [say("fact.pay" if dossier.status == PAYMENT else "fact.nothing_to_pay")]
        case "where":
            known = {
                PAYMENT: "fact.pay",
                SUPPLEMENT: "fact.supplement_where",
                FINISHED: "fact.when_finished",
            }
            return [say(known.get(dossier.status or 0, "fact.nothing_to_hand_in"))]
        case "paused" | "supplement_by" | "supplement_where":
            return [say(f"fact.{fact}" if dossier.status == SUPPLEMENT else "fact.nothing_lacking")]


def _when(standing: Deadline | None, dossier: Dossier, today: date) -> str:
    if dossier.status in ENDED:
        return say("fact.when_finished" if dossier.status == FINISHED else "fact.when_ended")
    if standing is None:
        return say("fact.when_unknown")
    kind: str = standing.standing
    if kind == "left" and is_tomorrow(standing, today):
        kind = "tomorrow"
    elif kind == "paused_late" or (kind in ("left", "paused") and not standing.days):
        kind = f"{kind.removesuffix('_late')}_uncounted"
    return say(f"fact.when_{kind}", day=day(standing.appointed), days=standing.days)


def _late(standing: Deadline | None) -> str:
    if standing is None:
        return say("fact.late_unknown")
    kind = {"left": "no", "due_today": "no"}.get(standing.standing, standing.standing)
    if kind in ("late", "paused_late", "ended_late") and not standing.days:
        kind = f"{kind}_uncounted"
    return say(f"fact.late_{kind}", day=day(standing.appointed), days=standing.days)


def _why(dossier: Dossier) -> str:
    known = {SUPPLEMENT: "fact.why_supplement", PAYMENT: "fact.why_payment"}
    return say(
        known.get(dossier.status or 0, "fact.why_ended" if dossier.status in ENDED else "fact.why_unknown")
    )


def _lacking(dossier: Dossier, *, is_proven: bool) -> str:
    if dossier.status != SUPPLEMENT:
        return say("fact.nothing_lacking")
    return say("fact.lacking" if is_proven else "fact.lacking_unproven")


def _fee(dossier: Dossier, *, is_proven: bool) -> str:
    if not is_proven:
        return say("fact.fee_due_unproven" if dossier.status == PAYMENT else "fact.fee_unproven")
    if not dossier.fees:
        return say("fact.fee_unknown")
    total = dong(sum(each.amount for each in dossier.fees))
    return say("fact.fee_due" if dossier.status == PAYMENT else "fact.fee", amount=total)


def is_tomorrow(standing: Deadline, today: date) -> bool:
    """Tell whether the appointed day is tomorrow."""
    return standing.appointed - today == _A_DAY
