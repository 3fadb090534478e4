"""A notice as one SMS: without accents, 160 characters of the GSM alphabet, a fault where it is no SMS."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from knowledge.records import Notice
from knowledge.sms_text import LONGEST_SMS, fault_of_sms, septets, sms_text

WHEN = {"starts": datetime(2026, 11, 22, 12), "ends": datetime(2026, 11, 22, 18)}


def _notice(**given: Any) -> Notice:
    return Notice(**{"id": "bao", "text": "Bộ phận một cửa nghỉ.", **WHEN, **given})


def test_title_text_and_link_become_one_unaccented_text() -> None:
    notice = _notice(title="Nghỉ vì bão", text="**Bộ phận** một cửa “Đóng” cửa…", link="https://x.vn/a")
    assert notice.as_sms == 'Nghi vi bao. Bo phan mot cua "Dong" cua... https://x.vn/a'
    assert _notice(sms="Tin riêng").as_sms == "Tin rieng"
    assert sms_text("xem [Cổng](https://x.vn)") == "xem Cong https://x.vn"


def test_a_text_of_160_fits_and_one_more_does_not() -> None:
    assert fault_of_sms("a" * LONGEST_SMS) is None and "161" in str(fault_of_sms("a" * (LONGEST_SMS + 1)))
    assert septets("[a]") == 5  # brackets are escaped
    assert "'⚠'" in str(fault_of_sms("⚠ bao"))


@pytest.mark.parametrize("given", [{"text": "x" * 161}, {"text": "Bão ⚠"}, {"sms": "y" * 161}])
def test_what_goes_to_all_must_fit_where_what_is_only_shown_need_not(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="sms:"):
        _notice(audience="all", **given)
    assert _notice(**given) and _notice(audience="1.000894", **given)


def test_a_text_that_is_too_long_is_mended_by_an_sms_of_its_own() -> None:
    assert _notice(audience="all", text="x" * 300, sms="Nghỉ bão").as_sms == "Nghi bao"
