"""How a message is written for Zalo: five buttons, two thousand characters, links, a request for contact."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actions.wording import say
from bot.zalo_oa_delivery import LONGEST_TITLE, MORE, buttons_of, parts, rest_of, shown
from tests.servers.zalo_oa import _check

CHOICES = st.lists(
    st.fixed_dictionaries({"title": st.text("ab *`", min_size=1), "payload": st.text("xyz", min_size=1)}),
    max_size=25,
).map(lambda each: [choice for choice in each if choice["title"].strip(" *`")])


def test_a_few_choices_are_all_shown() -> None:
    choices = [{"title": str(number), "payload": f"p{number}"} for number in range(5)]
    assert shown(choices) == choices


@settings(deadline=None)  # the wording is read in the first
@given(CHOICES)
def test_see_more_leads_to_every_choice_in_order(choices: list[dict[str, str]]) -> None:
    seen, rest = [], choices
    while rest:
        now_shown = shown(rest)
        assert len(now_shown) <= 5
        more = now_shown[-1]["payload"]
        if not more.startswith(MORE):
            seen += now_shown
            break
        seen += now_shown[:-1]
        rest = rest_of(choices, more)
        assert rest
    assert seen == choices


def test_see_more_of_other_choices_shows_nothing() -> None:
    choices = [{"title": str(number), "payload": f"p{number}"} for number in range(9)]
    more = shown(choices)[-1]["payload"]
    assert rest_of(choices, more) == choices[4:]
    assert rest_of(choices[:-1], more) == []
    for broken in (MORE, f"{MORE}x-1", f"{MORE}5", f"{MORE}999-00000000", "", f"{MORE}-5-00000000"):
        assert rest_of(choices, broken) == []


@settings(deadline=None)
@given(st.text(min_size=1).filter(str.strip), CHOICES)
def test_whatever_is_said_zalo_takes_it(text: str, choices: list[dict[str, str]]) -> None:
    message: dict[str, Any] = {"text": f"x {text} " * 40, "choices": choices, "sources": []}
    for part in parts(message, "https://hoi.example/contact.png"):
        _check(part)


def test_links_become_buttons_where_there_is_room() -> None:
    message = {
        "text": "Mở [Cổng](https://dichvucong.gov.vn) hay [Cổng](https://dichvucong.gov.vn) nhé.",
        "choices": [{"title": f"**Mục** {number}" + "x" * 200, "payload": "thank"} for number in range(4)],
    }
    (part,) = parts(message)
    *queries, link = buttons_of(part)
    assert [each["type"] for each in queries] == ["oa.query.hide"] * 4
    assert all(len(each["title"]) == LONGEST_TITLE and "*" not in each["title"] for each in queries)
    assert link == {"title": "Cổng", "type": "oa.open.url", "payload": {"url": "https://dichvucong.gov.vn"}}
    assert "https://dichvucong.gov.vn" in part["text"]


def test_contact_is_asked_for_only_where_a_picture_can_be_fetched() -> None:
    message = {"text": say("people.ask_message"), "asks_contact": True}
    assert len(parts(message)) == 1
    assert len(parts(message, "https://hoi.example/contact.png")) == 2
