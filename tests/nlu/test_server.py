"""The NLU server speaks as Rasa's does, reads any text, and says what is wrong with a request."""

from __future__ import annotations

import subprocess

import pytest
import requests

from nlu import training
from nlu.client import NluClient

STRANGE = {
    "empty": "",
    "spaces": "   ",
    "2,000 letters without a space": "ă" * 2000,
    "English": "how much is a passport",
    "Chinese": "办护照要多少钱",
    "Arabic, right to left": "كم رسوم جواز السفر",
    "right-to-left marks": "\u202eolàm hộ chiếu\u202c cần gì\u200f",
    "zero-width characters": "làm h\u200bộ ch\u200diếu c\ufeffần gì",
    "SQL": "'; DROP TABLE turns; --",
    "HTML": "<script>alert('xin chào')</script>",
    "emoji": "🙏🙏🙏",
    "control characters": "a\x00b\x1bc",
    "unpaired surrogate": "\ud800 chào",
    "decomposed": "la\u0300m ho\u0323\u0302 chie\u0302\u0301u",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=list(STRANGE))
def test_any_text_is_read_within_the_time_limit(nlu_url: str, text: str) -> None:
    reply = requests.post(f"{nlu_url}/model/parse", json={"text": text}, timeout=3)
    assert reply.status_code == 200
    parse = reply.json()
    assert parse["intent"]["name"]
    for entity in parse["entities"]:
        assert 0 <= entity["start"] < entity["end"] <= len(parse["text"])


def test_hidden_characters_do_not_hide_the_question(nlu_url: str) -> None:
    client = NluClient(nlu_url)
    assert client.understand(STRANGE["zero-width characters"]).intent == "ask_documents"


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'{"text": 5}', b'{"text": null}'])
def test_a_request_without_a_text_is_refused_and_told_why(nlu_url: str, body: bytes) -> None:
    reply = requests.post(f"{nlu_url}/model/parse", data=body, timeout=3)
    assert reply.status_code == 400
    assert reply.text


def test_a_text_that_is_far_too_long_is_refused(nlu_url: str) -> None:
    reply = requests.post(f"{nlu_url}/model/parse", json={"text": "dài " * 3000}, timeout=3)
    assert reply.status_code == 400
    assert "10000" in reply.text


def test_the_same_text_is_read_the_same_way(nlu_url: str) -> None:
    first, second = (
        requests.post(f"{nlu_url}/model/parse", json={"text": "khai sinh ở đâu"}, timeout=3).json()
        for _ in range(2)
    )
    assert first == second


def test_leftover_typing_keys_and_short_forms_are_read(nlu_url: str) -> None:
    client = NluClient(nlu_url)
    assert client.understand("ddawng kys keets hoon caanf giaays towf gif").intent == "ask_documents"
    assert client.understand("lm ho chieu het bn tien z ad").intent == "ask_fee"


def test_the_server_does_not_load_tensorflow() -> None:
    done = subprocess.run(
        [str(training.rasa_python()), "-c",
         "import sys, nlu.components.server; sys.exit('tensorflow' in sys.modules)"],
        env=training.environment(), cwd=training.ROOT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-500:]


def test_a_health_rule_is_told_only_when_it_is_clearly_asked_for(nlu_url: str) -> None:
    for text in ("có bị phạt không", "mở cửa lại chưa", "ra ngoài được không"):
        reading = NluClient(nlu_url).understand(text)
        assert reading.intent != "ask_covid_rule" or reading.confidence >= 0.6
