"""Every choice the assistant can offer fits a button of every platform and can be read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actions import INTENTS
from actions.payloads import UnknownPayload, payload, read_payload
from actions.wording import button, sentences
from knowledge.library import Library
from knowledge.records import LONGEST_PAYLOAD


def test_every_case_of_every_procedure_fits_a_payload(library: Library) -> None:
    for code, record in library.catalogue.procedures.items():
        for case in record.cases:
            text = payload("ask_documents", procedure=code, case=case.id)
            assert read_payload(text, INTENTS).first("case") == case.id


def test_every_intent_with_a_procedure_fits_a_payload() -> None:
    for intent in INTENTS:
        assert len(payload(intent, procedure="1.001193").encode()) <= LONGEST_PAYLOAD


def test_every_topic_fits_a_payload(library: Library) -> None:
    for topic in library.catalogue.topics.values():
        assert read_payload(payload(topic.intent, topic=topic.id), INTENTS).first("topic") == topic.id


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "ask_fee?city=Hà", "ask_fee?colour=red", "ask_fee?procedure=" + "1" * 64, "no_words"],
)
def test_an_unknown_payload_is_refused(text: str) -> None:
    with pytest.raises(UnknownPayload):
        read_payload(text, INTENTS)


def test_a_payload_too_long_for_a_button_is_refused_where_it_is_made() -> None:
    with pytest.raises(ValueError, match="longer than 64 bytes"):
        payload("ask_documents", procedure="1.001193", case="x" * 40)


def test_every_intent_has_a_short_button_title() -> None:
    assert all(len(button(intent)) <= 40 for intent in INTENTS)


def test_every_sentence_of_the_wording_is_used() -> None:
    paths = [path for folder in ("actions", "bot") for path in (ROOT / folder).rglob("*.py")]
    quoted = set(
        re.findall(r"""["']([\w.]+)["']""", "".join(path.read_text(encoding="utf-8") for path in paths))
    )
    computed = (
        "intents.",
        "channels.",
        "procedure.only_",
        "privacy.said_",
        "place.",
        "level.",
        "checklist.",
        "post.",
        "standing.",
        "fact.",
        "dossier.status_",
        "news.",
        "staff.",
        "people.rated_",
        "weekdays.",
        "hotline.use",
        "desk.",
        "accounts.",
        "content.",
        "text_kinds.",
        "places.",
        "zalo.given_",
    )
    assert [key for key in sentences() if key not in quoted and not key.startswith(computed)] == []


@pytest.mark.parametrize("intent", ["track_dossier", "follow_dossier", "unfollow_dossier"])
def test_the_longest_code_fits_a_button(intent: str) -> None:
    code = "H62.123.123.123.123-20201105-1234567"
    more = {"details": "yes"} if intent == "track_dossier" else {}
    assert read_payload(payload(intent, dossier_code=code, **more), INTENTS).first("dossier_code") == code
