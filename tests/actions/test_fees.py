"""What a fee is said to rest on: the text that sets it and from when, else the portal as it was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from actions.answer import Answer
from knowledge.library import Library
from knowledge.merging import Procedures
from knowledge.records import Channel, Fee, OfficialText
from nlu.reading import Entity, Reading
from tests.actions.test_answers import ask

CODE = "2.000815"  # certified copies, read on the portal as it was in July 2026
FROM = date(2026, 12, 1)
BEFORE = date(2026, 11, 30)
NUMBER = "12/2026/NQ-HĐND"
TEXT = OfficialText(
    title="Nghị quyết của HĐND tỉnh về lệ phí", number=NUMBER, url="https://vinhphuc.example/nghi-quyet-12"
)
OLD = Fee(amount=8000, what="Mỗi bản", valid_to=BEFORE)
NEW = Fee(amount=10_000, what="Mỗi bản", basis=NUMBER, valid_from=FROM)
PORTAL = "Theo Cổng Dịch vụ công quốc gia, tháng 7/2026."
REST = "Phần còn lại theo Cổng Dịch vụ công quốc gia, tháng 7/2026."


def _by(channel: str, *fees: Fee) -> Channel:
    return Channel.model_validate({"channel": channel, "time_limit": "1 ngày", "fees": fees})


def _told(
    library: Library,
    *channels: Channel,
    today: date = FROM,
    intent: str = "ask_fee",
    by: str | None = None,
    texts: tuple[OfficialText, ...] = (TEXT,),
    **changes: Any,
) -> Answer:
    """Ask about certified copies with these channels and texts."""
    known = library.catalogue
    record = known.procedures[CODE].model_copy(update={"channels": channels, **changes})
    catalogue = replace(
        known,
        procedures=Procedures({**known.procedures, CODE: record}),
        official_texts={**known.official_texts, **{text.number or "": text for text in texts}},
    )
    said = (("procedure", CODE), ("channel", by)) if by else (("procedure", CODE),)
    entities = tuple(Entity(name, value, value) for name, value in said)
    return ask(library.with_records(catalogue), Reading(intent, intent, 1.0, entities), today)


def _portal_page(library: Library) -> OfficialText:
    return library.catalogue.procedures[CODE].as_source()


def test_a_fee_of_a_newer_decision_is_told_with_the_decision_as_its_source(library: Library) -> None:
    given = _told(library, _by("direct", OLD, NEW), _by("online", OLD, NEW))
    assert "10.000 đ (theo Nghị quyết 12/2026/NQ-HĐND, từ 1/12/2026)" in given.text
    assert "Theo Cổng" not in given.text
    assert given.sources == (TEXT,)


def test_the_day_before_the_old_fee_is_told_as_the_portal_said_it(library: Library) -> None:
    given = _told(library, _by("direct", OLD, NEW), today=BEFORE)
    assert "8.000 đ" in given.text and PORTAL in given.text
    assert "10.000" not in given.text and NUMBER not in given.text
    assert given.sources == (_portal_page(library),)


@pytest.mark.parametrize("intent", ["ask_procedure", "ask_documents"])
def test_what_else_is_told_beside_a_newer_fee_rests_on_the_portal(library: Library, intent: str) -> None:
    given = _told(library, _by("direct", OLD, NEW), intent=intent)
    assert "theo Nghị quyết 12/2026/NQ-HĐND, từ 1/12/2026" in given.text and REST in given.text
    assert given.sources[:2] == (TEXT, _portal_page(library))


def test_a_channel_whose_fee_did_not_change_still_rests_on_the_portal(library: Library) -> None:
    given = _told(library, _by("direct", OLD, NEW), _by("online", Fee(amount=5000, what="Mỗi bản")))
    assert "Mỗi bản: 10.000 đ (theo Nghị quyết 12/2026/NQ-HĐND, từ 1/12/2026)" in given.text
    assert "Mỗi bản: 5.000 đ\n" in given.text and REST in given.text
    assert given.sources == (TEXT, _portal_page(library))


def test_an_answer_without_fees_does_not_cite_the_decision_on_the_fee(library: Library) -> None:
    given = _told(library, _by("direct", OLD, NEW), intent="ask_time_limit")
    assert PORTAL in given.text and given.sources == (_portal_page(library),)


def test_the_papers_of_one_way_of_filing_cite_only_the_decision_on_its_fee(library: Library) -> None:
    ways = (_by("direct", Fee(amount=5000)), _by("online", OLD, NEW))
    given = _told(library, *ways, intent="ask_documents", by="direct")
    assert NUMBER not in given.text and PORTAL in given.text


def test_a_basis_of_before_the_portals_month_is_named_beside_the_portal(library: Library) -> None:
    fee = Fee(amount=8000, basis="281/2016/TT-BTC", valid_from=date(2017, 1, 1))
    given = _told(library, _by("direct", fee))
    assert "8.000 đ (theo Thông tư 281/2016/TT-BTC, từ 1/1/2017)" in given.text and PORTAL in given.text
    assert given.sources == (_portal_page(library),)


def test_a_basis_that_several_fees_share_is_named_once(library: Library) -> None:
    fees = [NEW, NEW.model_copy(update={"amount": 5000, "what": "Từ bản thứ ba"})]
    given = _told(library, _by("direct", *fees), _by("online", *fees))
    assert given.text.count(NUMBER) == 1
    assert "\n\n_Mức phí theo Nghị quyết 12/2026/NQ-HĐND, từ 1/12/2026._" in given.text
    assert given.sources == (TEXT,)


def test_a_decision_published_without_its_day_is_newer_by_the_day_it_was_issued(library: Library) -> None:
    text = TEXT.model_copy(update={"issued_on": date(2026, 10, 20)})
    fee = NEW.model_copy(update={"valid_from": None})
    given = _told(library, _by("direct", fee), texts=(text,))
    assert "10.000 đ (theo Nghị quyết 12/2026/NQ-HĐND)" in given.text and "20/10" not in given.text
    assert given.sources == (text,)


@pytest.mark.parametrize(
    ("basis", "named", "number"),
    [
        (NUMBER, "theo Nghị quyết 12/2026/NQ-HĐND", NUMBER),
        ("Nghị quyết 12/2026/NQ-HĐND", "theo Nghị quyết 12/2026/NQ-HĐND", NUMBER),
        ("45/2026/QĐ-UBND", "theo Quyết định 45/2026/QĐ-UBND", "45/2026/QĐ-UBND"),
        ("163/QĐ-BTP", "theo Quyết định 163/QĐ-BTP", "163/QĐ-BTP"),
        ("66.22/2026/NQ-CP", "theo Nghị quyết 66.22/2026/NQ-CP", "66.22/2026/NQ-CP"),
        ("2138/UBND-HCC1", "theo Văn bản 2138/UBND-HCC1", "2138/UBND-HCC1"),
        ("97/2015/QH13", "theo Luật Phí và lệ phí 97/2015/QH13", "97/2015/QH13"),
        ("Luật Ngân sách, Phụ lục số 01", "theo Luật Ngân sách, Phụ lục số 01", None),
    ],
)
def test_a_text_is_named_by_its_kind_and_number_though_it_is_not_in_the_list(
    library: Library, basis: str, named: str, number: str | None
) -> None:
    given = _told(library, _by("direct", NEW.model_copy(update={"basis": basis})), texts=())
    assert named in given.text
    assert [source.number for source in given.sources] == [number]
    assert number is None or number not in given.sources[0].title, "the number stands beside the title"


def test_a_record_read_in_a_text_is_not_said_to_stand_on_the_portal(library: Library) -> None:
    read = library.catalogue.procedures[CODE].source.model_copy(
        update={
            "title": "Quyết định của UBND tỉnh",
            "number": "45/2026/QĐ-UBND",
            "url": TEXT.url,
            "state_of": "2026-11",
        }
    )
    ways = (_by("direct", Fee(amount=8000)), _by("online", Fee(amount=8000)))
    for intent in ("ask_fee", "ask_where", "ask_online_filing", "ask_form"):
        given = _told(library, *ways, intent=intent, source=read)
        assert "Theo Quyết định của UBND tỉnh, 45/2026/QĐ-UBND, tháng 11/2026." in given.text
        assert f"]({TEXT.url})" not in given.text, "one does not file on the page of a decision"


def test_every_fee_with_a_basis_of_its_own_names_it(library: Library) -> None:
    of_their_own = 0
    for code, procedure in library.catalogue.procedures.items():
        given = ask(library, Reading("", "ask_fee", 1.0, (Entity("procedure", code, code),)), FROM)
        for channel in procedure.channels or ():
            for fee in channel.fees or ():
                if fee.basis and not fee.is_expired(FROM) and not fee.is_future(FROM):
                    assert fee.basis in given.text, code
                    of_their_own += 1
    assert of_their_own > 20


def test_the_fee_of_the_way_of_filing_that_was_asked_for_is_told_alone(library: Library) -> None:
    over = Fee(amount=7000, what="Mỗi bản nộp tại quầy", valid_to=BEFORE)
    ways = (_by("direct", Fee(amount=8000), over), _by("online", OLD, NEW))
    given = _told(library, *ways, by="online")
    assert "**Nộp trực tuyến**" in given.text and "10.000 đ" in given.text
    assert "8.000 đ chỉ áp dụng" in given.text and "7.000" not in given.text and "trực tiếp" not in given.text
    assert given.sources == (TEXT,)


def test_the_other_ways_are_told_where_none_is_stated_for_the_one_asked_for(library: Library) -> None:
    ways = (_by("direct", Fee(amount=8000)), _by("online", Fee.model_validate({"amount": "not stated"})))
    given = _told(library, *ways, by="online")
    assert "- Nộp trực tiếp: 8.000 đ\n- Nộp trực tuyến: chưa có thông tin" in given.text


def test_a_text_that_the_fee_names_itself_is_not_named_again(library: Library) -> None:
    what = "Cổng ghi: thu theo Thông tư 244/2016/TT-BTC"
    fee = Fee.model_validate({"amount": "not stated", "what": what, "basis": "244/2016/TT-BTC"})
    assert _told(library, _by("direct", fee)).text.count("244/2016/TT-BTC") == 1


def test_an_amount_for_each_of_a_unit_is_said_as_people_say_it(library: Library) -> None:
    fees = (Fee(amount=12_000, what="bản"), Fee(amount=0, what="bản"), Fee(amount=5_000, what="Bản dịch"))
    for fee, told in zip(fees, ("12.000 đ/bản", "bản: miễn phí", "Bản dịch: 5.000 đ"), strict=True):
        assert told.casefold() in _told(library, _by("direct", fee)).text.casefold()
