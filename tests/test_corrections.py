"""Every question that was answered wrongly once is understood: published corrections, on the whole path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from actions.request import Known
from bot.inbox import Message
from bot.turn import Assistant
from bot.workbench.corrections import made_wrong, misunderstood
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT
from knowledge.editing.loading import load_folder
from knowledge.editing.published import Published
from knowledge.library import Library, open_library
from knowledge.records import Correction
from nlu.client import NluClient
from tests.conftest import TODAY

CORRECTIONS = load_catalogue().corrections
KNOWN = {  # the check itself is checked by questions that are surely answered
    "khai-sinh": Correction(
        question="làm giấy khai sinh cho con cần gì", procedure="1.001193", intent="ask_documents"
    ),
    "bao-lau": Correction(question="đăng ký kết hôn mất bao lâu", procedure="1.000894"),
}


@pytest.fixture
def known(library: Library) -> Known:
    return Known(library, library.catalogue.province("vinh-phuc"), TODAY)


@pytest.mark.parametrize("key", [*CORRECTIONS, *KNOWN])
def test_a_corrected_question_stays_right(known: Known, nlu_url: str, key: str) -> None:
    assert misunderstood(known, NluClient(nlu_url).understand, {**KNOWN, **CORRECTIONS}[key]) == {}


def test_a_question_that_is_understood_otherwise_is_told(known: Known, nlu_url: str) -> None:
    wrong = KNOWN["bao-lau"].model_copy(update={"procedure": "1.001193", "intent": "ask_fee"})
    told = misunderstood(known, NluClient(nlu_url).understand, wrong)
    assert told == {"procedure": ("1.001193", "1.000894"), "intent": ("ask_fee", "ask_time_limit")}


@pytest.mark.parametrize("key", KNOWN)
def test_what_is_told_is_what_a_citizen_is_answered(assistant: Assistant, known: Known, key: str) -> None:
    understood: Any = assistant.reply(Message("console", KNOWN[key].question)).body["understanding"]
    answered = {
        "question": KNOWN[key].question,
        "intent": understood["intent"],
        "procedure": understood["procedure"]["code"],
    }
    assert misunderstood(known, assistant.nlu.understand, Correction(**answered)) == {}


def test_a_name_that_takes_an_earlier_question_away_is_told_before_it_is_published(
    assistant: Assistant, engine: Engine
) -> None:
    asked, published = KNOWN["bao-lau"], Published(engine)
    load_folder(engine, published, CONTENT, TODAY)
    state = published.on(TODAY, {("correction", "bao-lau"): asked.model_dump(exclude_none=True)})
    there = open_library(state)
    serving = replace(assistant, shelf=lambda: there)
    other = state.open("procedures/1.001193.yml").data
    named = {**other, "aliases": [*other["aliases"], "đăng ký kết hôn mất bao lâu"]}
    assert made_wrong(serving, published, {("procedure", "1.001193"): named}, TODAY) == [asked]
    assert made_wrong(serving, published, {("procedure", "1.001193"): other}, TODAY) == []
