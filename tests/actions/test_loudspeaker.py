"""What is read out over the loudspeaker: everything in words, nothing that nobody can say."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from actions.loudspeaker import script, spoken
from actions.request import Known
from knowledge.library import Library
from knowledge.records import Notice
from tests.conftest import TODAY


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("21 hồ sơ, 15 ngày, 105 người", "Hai mươi mốt hồ sơ, mười lăm ngày, một trăm linh năm người"),
        ("Phí 1.005.000đ", "Phí một triệu không trăm linh năm nghìn đồng"),
        ("160.000 đ/bản", "Một trăm sáu mươi nghìn đồng mỗi bản"),
        ("Nghỉ 7h30-11h30", "Nghỉ bảy giờ ba mươi phút đến mười một giờ ba mươi phút"),
        ("Trước 17h00, lúc 13:05", "Trước mười bảy giờ, lúc mười ba giờ năm phút"),
        ("Từ 1/4 đến 24/4", "Từ ngày mồng một tháng tư đến ngày hai mươi bốn tháng tư"),
        (
            "Ngày 1/12/2026",
            "Ngày mồng một tháng mười hai năm hai nghìn không trăm hai mươi sáu",
        ),
        ("1-3/12", "Ngày mồng một đến ngày mồng ba tháng mười hai"),
        ("28/11-2/12", "Ngày hai mươi tám tháng mười một đến ngày mồng hai tháng mười hai"),
        ("Tháng 4, thứ 2, ngày 5", "Tháng tư, thứ Hai, ngày mồng năm"),
        ("Trực 24/7", "Trực hai mươi bốn trên bảy"),
        ("Gọi 0912 345 678", "Gọi không chín một hai ba bốn năm sáu bảy tám"),
        ("Gọi 0912-345-678", "Gọi không chín một hai ba bốn năm sáu bảy tám"),
        ("Giảm 10%-20%", "Giảm mười đến hai mươi phần trăm"),
        ("Gọi +84912345678", "Gọi không chín một hai ba bốn năm sáu bảy tám"),
        ("Gọi 1022 hoặc 115", "Gọi một không hai hai hoặc một một năm"),
        ("Tăng 5,5%", "Tăng năm phẩy năm phần trăm"),
        ("Bão số 10, cấp 12", "Bão số mười, cấp mười hai"),
        ("**UBND** xã nghỉ. Xem tại trang https://x.gov.vn/a?b=1.", "Ủy ban nhân dân xã nghỉ."),
        ("[Cổng](https://dichvucong.gov.vn) tạm dừng", "Cổng tạm dừng"),
        ("- mang giấy tờ\n- mang áo mưa", "Mang giấy tờ. Mang áo mưa"),
    ],
)
def test_a_text_is_said_in_words(written: str, said: str) -> None:
    assert spoken(written) == said


def test_the_script_greets_repeats_and_tells_whom_to_call(library: Library) -> None:
    notice = Notice(
        id="bao", title="Bão số 9", text="Một cửa nghỉ từ 13h ngày 22/11. Xem https://vinhphuc.gov.vn/bao",
        link="https://vinhphuc.gov.vn/bao", starts=datetime(2026, 11, 22), ends=datetime(2026, 11, 23),
    )  # fmt: skip
    province = library.catalogue.province("vinh-phuc")
    lines = script(Known(library, province, TODAY), notice).splitlines()
    told = "Bão số chín. Một cửa nghỉ từ mười ba giờ ngày hai mươi hai tháng mười một."
    assert lines[0].startswith("Kính thưa bà con") and lines.count(told) == 2
    assert lines[-1].endswith("Kính chào bà con.")
    assert any("xin gọi số một tám không không" in line for line in lines)
    assert not re.search(r"\d|http|\.vn", "\n".join(lines))
