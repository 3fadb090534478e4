"""Canned replies: found as staff type, filled from the case, and never sent with a blank unseen."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from knowledge.canned_replies import FIELDS, CannedReply, blanks_in, find_canned
from knowledge.library import Library


def test_the_replies_there_are_can_be_found_by_title_without_accents(library: Library) -> None:
    replies = library.catalogue.canned_replies
    assert len(replies) >= 8
    assert find_canned(replies, "ma ho so")[0].title == "Hỏi mã hồ sơ"
    assert find_canned(replies, "chuyen co")[0].title == "Chuyển cơ quan giải quyết"
    assert find_canned(replies, "không có gì như vậy") == []
    assert len(find_canned(replies, "")) == 6


def test_fields_are_filled_and_a_blank_is_seen() -> None:
    reply = CannedReply(title="t", text="Thủ tục {procedure}, hồ sơ {dossier}, ngày {today}")
    text = reply.filled({"procedure": "Đăng ký khai sinh", "dossier": None, "today": str(date(2026, 11, 29))})
    assert text == "Thủ tục Đăng ký khai sinh, hồ sơ [mã hồ sơ], ngày 2026-11-29"
    assert blanks_in(text) == ["[mã hồ sơ]"]
    assert set(blanks_in(CannedReply(title="t", text="".join(f"{{{f}}}" for f in FIELDS)).filled({}))) == {
        f"[{name}]" for name in FIELDS.values()
    }


@pytest.mark.parametrize(
    "text", ["{ten}", "{procedure", "{}", "{0}", "{procedure.code}", "{procedure!r}", "{procedure:>9}", ""]
)
def test_a_field_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        CannedReply(title="t", text=text)
