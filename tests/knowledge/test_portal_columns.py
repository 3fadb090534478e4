"""The portal's columns are read without losing a letter, and what they leave open is never guessed."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.portal_columns import (
    CHANNEL_HEAD,
    DOCUMENT_HEAD,
    LEGAL_HEAD,
    Parsed,
    parse_applicants,
    parse_channels,
    parse_documents,
    parse_legal_basis,
    parse_levels,
    parse_lines,
    parse_results,
)
from knowledge.records import Channel, Document
from tests.conftest import PORTAL_RECORDS

Parser = Callable[[str], Parsed[Any]]
COLUMNS: dict[str, Parser] = {
    "cach_thuc_thuc_hien": parse_channels,
    "thanh_phan_ho_so": parse_documents,
    "can_cu_phap_ly": parse_legal_basis,
    "ket_qua_xu_ly": parse_results,
    "trinh_tu_thuc_hien": parse_lines,
    "yeu_cau_dieu_kien": parse_lines,
    "cap_thuc_hien": parse_levels,
    "doi_tuong_thuc_hien": parse_applicants,
}
FURNITURE = "Từ khóaKhông có thông tinMô tảKhông có thông tinChọn cơ quan thực hiệnTỉnh/ Thành phốNộp hồ sơ"
FRAGMENTS = [
    CHANNEL_HEAD, DOCUMENT_HEAD, LEGAL_HEAD, FURNITURE, "Trực tuyến", "Trực tiếp", "Dịch vụ bưu chính",
    "7 Ngày làm việc", "1", "0", "3 Giờ", "Miễn phí", "Không có thông tin", "10,000 Việt Nam Đồng", "20 VNĐ",
    "150 USD", "5 %", "(", ")", "(1)", "((lệ phí)", "(Theo mức thu của tỉnh)", "- Nộp tại quầy",
    "1 bản chính", "0 bản chính,2 bản sao", "01 bản chính; ", "2025", "Tờ khai", "Mau 01.docx", ".doc",
    "~$.pdf", "--", "* Trường hợp mất thẻ:", "Luật ", "Nghị định số ", "123/2015/NĐ-CP", "60/2014/QH13",
    "66.7/2025/NQ-CP", "29/6/2024", "Quy định về", "Mã: ", "KQ.G15.000031", "Từ khóa", "Mô tả", "Bước 1: ",
    "Bước 2. ", "\n", "\t", " ", "+ ", "a) ", ", ", "Cấp xã", "Cấp huyện", "Tổ chức (trừ, HTX)", "Không",
    "\0", "<b>", "\uf0fc", "\xa0", "\u2028", "\ud800", "٣", "²", "ĐỒNG", "e\u0301", "VNeID", "QĐ-TTg",
]  # fmt: skip
ANY_TEXT = st.text(st.characters()) | st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)


def _joined(parsed: Parsed[Any]) -> str:
    return "".join(piece.text for piece in parsed.pieces)


def _channels(rows: str) -> dict[str, Channel]:
    return {channel.channel: channel for channel in parse_channels(CHANNEL_HEAD + rows).value}


def _direct(row: str) -> Channel:
    return _channels(f"Trực tiếp{row}")["direct"]


def _fees(row: str) -> list[tuple[int | None, str | None]]:
    return [(fee.amount, fee.what) for fee in _direct(row).fees or ()]


def _doubts(parsed: Parsed[Any]) -> list[str]:
    return [doubt.split(":")[0] for doubt in parsed.doubts]


def _papers(rows: str) -> list[tuple[str, int, int, str | None]]:
    (case,) = parse_documents(f"--{DOCUMENT_HEAD}{rows}").value
    papers: tuple[Document, ...] = case.documents or ()
    return [(paper.name, paper.originals, paper.copies, paper.form) for paper in papers]


def _laws(rows: str) -> list[tuple[str, str]]:
    return [(law.title, law.number) for law in parse_legal_basis(LEGAL_HEAD + rows).value]


@pytest.mark.parametrize("parse", COLUMNS.values(), ids=COLUMNS)
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_the_pieces_join_back_to_the_source_whatever_it_is(parse: Parser, text: str) -> None:
    parsed = parse(text)
    assert _joined(parsed) == text
    assert all(piece.text for piece in parsed.pieces)
    assert len(set(parsed.doubts)) == len(parsed.doubts)
    assert len(set(parsed.value)) == len(parsed.value)


@pytest.mark.parametrize("parse", COLUMNS.values(), ids=COLUMNS)
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_what_cannot_be_read_at_all_is_the_rest_with_one_doubt(parse: Parser, text: str) -> None:
    parsed = parse(text)
    if not parsed.value and parsed.doubts:
        assert len(parsed.doubts) == 1
        assert parsed.remainder == text


@pytest.mark.parametrize("parse", [parse_results, parse_lines, parse_applicants])
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_no_words_are_told_twice(parse: Parser, text: str) -> None:
    assert len("".join("".join(parse(text).value).split())) <= len("".join(text.split()))


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_no_channel_and_no_case_id_stands_there_twice(text: str) -> None:
    channels = [channel.channel for channel in parse_channels(text).value]
    cases = [case.id for case in parse_documents(text).value]
    assert len(set(channels)) == len(channels)
    assert len(set(cases)) == len(cases)


def test_each_channel_has_its_own_limit_and_fee() -> None:
    parsed = parse_channels(
        CHANNEL_HEAD + "Trực tuyến3 GiờMiễn phíTrực tiếp7 Ngày làm việc120,000 VNĐ(một lần cấp)Nộp tại quầy"
        "Dịch vụ bưu chính1.5 Tháng8000 Đồng"
    )
    online, direct, postal = parsed.value
    assert (online.channel, direct.channel, postal.channel) == ("online", "direct", "postal")
    assert (online.time_limit, direct.time_limit, postal.time_limit) == (
        "3 Giờ", "7 Ngày làm việc", "1.5 Tháng",
    )  # fmt: skip
    assert [(fee.amount, fee.what) for fee in direct.fees or ()] == [(120_000, "một lần cấp")]
    assert (online.note, direct.note) == (None, "Nộp tại quầy")
    assert parsed.doubts == ()
    assert {piece.part for piece in parsed.pieces} == {"head", "channel", "time", "fee", "fee_note", "note"}


def test_a_limit_without_a_unit_is_told_as_such() -> None:
    parsed = parse_channels(f"{CHANNEL_HEAD}Trực tiếp1Miễn phí")
    assert parsed.value[0].time_limit == 'Cổng chỉ ghi số "1", không nói ngày hay giờ'
    assert parsed.doubts == ('thời hạn không có đơn vị: "1"',)


def test_a_limit_glued_to_the_fee_is_not_split_by_guess() -> None:
    parsed = parse_channels(f"{CHANNEL_HEAD}Trực tiếp125 VNĐ")
    assert parsed.value[0].time_limit == 'Cổng ghi liền "125 VNĐ", không tách được thời hạn và phí'
    assert _fees("125 VNĐ") == [(None, 'Cổng ghi "125 VNĐ"')]
    assert _doubts(parsed) == ["thời hạn và phí dính liền"]


@pytest.mark.parametrize(
    ("row", "fees"),
    [
        ("5 NgàyMiễn phí", [(0, None)]),
        ("5 NgàyMiễn phí(Không quy định.)", [(0, "Không quy định.")]),
        ("5 Ngày0 Đồng", [(0, None)]),
        ("5 Ngày10,000 Việt Nam Đồng(/giấy (bản đầu))", [(10_000, "/giấy (bản đầu)")]),
        ("5 Ngày20 VNĐ(20.000 đ/tờ)", [(None, 'Cổng ghi "20 VNĐ": 20.000 đ/tờ')]),
        ("5 Ngày150 USD(/thẻ)", [(None, 'Cổng ghi "150 USD": /thẻ')]),
        ("5 Ngày0,5 %(giá trị)", [(None, 'Cổng ghi "0,5 %": giá trị')]),
        ("5 NgàyMiễn phí(Hội đồng nhân dân định)", [(None, 'Cổng ghi "Miễn phí": Hội đồng nhân dân định')]),
        ("5 NgàyMiễn phí(Không quá 9.000 đồng)", [(None, 'Cổng ghi "Miễn phí": Không quá 9.000 đồng')]),
        ("5 NgàyMiễn phíLệ phí: 9.000 đồng", [(None, 'Cổng ghi "Miễn phí"')]),
        ("5 NgàyKhông có thông tin", []),
    ],
)
def test_only_a_plain_amount_in_dong_is_an_amount(row: str, fees: list[tuple[int | None, str]]) -> None:
    assert _fees(row) == fees


def test_a_bracketed_list_number_begins_the_note_and_not_the_fee() -> None:
    channel = _direct("5 NgàyMiễn phí(1) Nộp tại quầy")
    assert (channel.note, _fees("5 NgàyMiễn phí(1) Nộp tại quầy")) == ("(1) Nộp tại quầy", [(0, None)])


def test_a_bracket_that_is_never_closed_ends_at_its_last_bracket() -> None:
    parsed = parse_channels("Trực tiếp5 Ngày9,000 VNĐ(đồng (miễn đến hết năm)chờ tại quầy")
    assert (parsed.value[0].fees or ())[0].what == "đồng (miễn đến hết năm)"
    assert parsed.value[0].note == "chờ tại quầy"
    assert _doubts(parsed) == ["lời chú về phí không đóng ngoặc"]


def test_rows_of_one_channel_are_merged_and_their_limits_doubted() -> None:
    parsed = parse_channels("Trực tiếp3 Ngày5,000 VNĐ(cấp mới)mộtTrực tiếp5 Ngày2,000 VNĐ(cấp lại)hai")
    (channel,) = parsed.value
    assert channel.time_limit == "3 Ngày; 5 Ngày"
    assert [fee.amount for fee in channel.fees or ()] == [5_000, 2_000]
    assert channel.note == "một\nhai"
    assert _doubts(parsed) == ["một cách nộp có nhiều thời hạn"]


def test_a_limit_in_words_is_kept_and_doubted() -> None:
    parsed = parse_channels("Trực tiếpKhông trả kết quả cho người nộpMiễn phíTrực tuyến2 NgàyMiễn phí")
    assert parsed.value[0].time_limit == "Không trả kết quả cho người nộp"
    assert _doubts(parsed) == ["thời hạn không phải con số"]


def test_what_the_portal_does_not_say_is_not_stated() -> None:
    channel = _direct("Không có thông tinKhông có thông tin")
    assert (channel.time_limit, channel.fees, channel.note) == (None, None, None)


def test_a_channel_named_in_a_note_is_no_row() -> None:
    note = "- Trực tuyến: nộp qua Cổng.\nDịch vụ bưu chính\t02 Ngày\tPhí"
    assert _channels(f"Trực tiếp2 NgàyMiễn phí{note}").keys() == {"direct"}


def test_a_paper_has_its_counts_and_its_form() -> None:
    rows = (
        "- Đơn đề nghị theo mẫu;Mau 02 (1).docx1 bản chính"
        "+ Giấy tờ nhà (01 bản chính hoặc sao)0 bản chính,3 bản sao"
    )
    assert _papers(rows) == [
        ("Đơn đề nghị theo mẫu", 1, 0, "Mau 02 (1).docx"),
        ("Giấy tờ nhà (01 bản chính hoặc sao)", 0, 3, None),
    ]


@pytest.mark.parametrize(
    ("cell", "name", "form"),
    [
        ("Đơn theo 07/2026/TT-BNNMTmẫu số 25.docx", "Đơn theo 07/2026/TT-BNNMT", "mẫu số 25.docx"),
        ("Tờ khai do Bộ Công an ban hành.NA11.doc", "Tờ khai do Bộ Công an ban hành", "NA11.doc"),
        ("Phương án đóng cửa mỏMau 08_39.2025.docx", "Phương án đóng cửa mỏ", "Mau 08_39.2025.docx"),
        ("Đơn xin nhận con1.donxin.doc", "Đơn xin nhận con", "1.donxin.doc"),
        ("Danh sách thuyền viênMauA.docxMauB.pdf", "Danh sách thuyền viên", "MauA.docx; MauB.pdf"),
        ("Khai trên ứng dụng VNeID theo mẫu", "Khai trên ứng dụng VNeID theo mẫu", None),
    ],
)
def test_a_form_is_parted_from_the_name_it_is_glued_to(cell: str, name: str, form: str | None) -> None:
    assert _papers(f"{cell}1 bản chính") == [(name, 1, 0, form)]


def test_a_form_that_cannot_be_parted_stays_in_the_name() -> None:
    parsed = parse_documents(f"--{DOCUMENT_HEAD}Tờ khai phí số 01/PH01-PH.doc1 bản chính")
    assert (parsed.value[0].documents or ())[0].name == "Tờ khai phí số 01/PH01-PH.doc"
    assert _doubts(parsed) == ["không tách được tên tệp mẫu"]


def test_a_year_before_a_count_stays_in_the_name_and_other_digits_are_doubted() -> None:
    assert _papers("Đơn theo mẫu ngày 01/7/20251 bản chính") == [("Đơn theo mẫu ngày 01/7/2025", 1, 0, None)]
    parsed = parse_documents(f"--{DOCUMENT_HEAD}Đơn theo Mẫu số 181 bản chính")
    assert (parsed.value[0].documents or ())[0].name == "Đơn theo Mẫu số 18"
    assert _doubts(parsed) == ["số lượng dính với chữ số trước"]


def test_every_table_is_a_case_named_by_its_heading() -> None:
    text = f"* Trường hợp mất thẻ:{DOCUMENT_HEAD}Đơn1 bản chính"
    parsed = parse_documents(f"{text}{text}--{DOCUMENT_HEAD}Ảnh2 bản chính")
    assert [(case.id, case.name) for case in parsed.value] == [
        ("mat-the", "Trường hợp mất thẻ"), ("mat-the-2", "Trường hợp mất thẻ"), ("ho-so", "Hồ sơ"),
    ]  # fmt: skip
    assert parsed.doubts == ()


def test_a_heading_that_names_no_case_is_doubted() -> None:
    parsed = parse_documents(f"* Giấy tờ phải xuất trình:{DOCUMENT_HEAD}Hộ chiếu1 bản chính")
    assert parsed.doubts == ('có thể không là trường hợp: "Giấy tờ phải xuất trình"',)


def test_a_text_after_the_last_row_and_a_row_without_a_name_are_the_rest() -> None:
    parsed = parse_documents(f"--{DOCUMENT_HEAD}Đơn1 bản chính2 bản chínhNộp kèm ảnh")
    assert parsed.remainder == "2 bản chínhNộp kèm ảnh"
    assert _doubts(parsed) == ["phần chưa đọc được"]


@pytest.mark.parametrize(
    ("rows", "laws"),
    [
        ("Luật Hộ tịch60/2014/QH13LUẬT ĐẤT ĐAI31/2024/QH15", ["Luật Hộ tịch", "LUẬT ĐẤT ĐAI"]),
        ("Luật 52/2014/QH1352/2014/QH13", ["Luật 52/2014/QH13"]),
        ("Luật Thú yLuật số 79/2015/QH13\n", ["Luật Thú y"]),
        ("Luật Đất đai ngày 29/6/202443/2024/QH15", ["Luật Đất đai ngày 29/6/2024"]),
        ("Sửa đổi Thông tư 85/2019/TT-BTC106/2021/TT-BTC", ["Sửa đổi Thông tư 85/2019/TT-BTC"]),
        ("Theo Nghị định 123/2015/NĐ-CP của04/2020/TT-BTP", ["Theo Nghị định 123/2015/NĐ-CP của"]),
        ("Về lệ phí25/2021/TT-BTCVề lệ phí25/2021/TT-BTC", ["Về lệ phí"]),
        ("QUY ĐỊNH MỨC THU33/2021/TT-BTCQUY ĐỊNH CHUNG1/2020/QĐ-TTg", ["QUY ĐỊNH MỨC THU", "QUY ĐỊNH CHUNG"]),
    ],
)
def test_a_law_has_the_title_before_its_number(rows: str, laws: list[str]) -> None:
    assert [title for title, _ in _laws(rows)] == laws


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ("Công bố thủ tục163/QĐ-BTPCắt giảm.66.7/2025/NQ-CP ", ["163/QĐ-BTP", "66.7/2025/NQ-CP"]),
        ("Về phòng cháy\n105/2025/NĐ- CPVề phí33/2021/TT-BTC", ["105/2025/NĐ-CP", "33/2021/TT-BTC"]),
        ("32/2024/QH1573/2025/TT-NHNNSố 73/2025/TT-NHNN", ["32/2024/QH15", "73/2025/TT-NHNN"]),
        ("Luật Đất đai ngày 29/6/202443/2024/QH15", ["43/2024/QH15"]),
        (
            "Quyết định ưu đãi73-CPThông tư liên tịch05/2012/TTLT-BTP-BCAVề phí",
            ["73-CP", "05/2012/TTLT-BTP-BCA"],
        ),
    ],
)
def test_a_law_has_the_number_that_ends_its_row(rows: str, numbers: list[str]) -> None:
    assert [number for _, number in _laws(rows)] == numbers


def test_a_law_without_a_number_stays_in_the_rest() -> None:
    parsed = parse_legal_basis(f"{LEGAL_HEAD}Luật Thú y79/2015/QH13Bộ luật Hàng hải")
    assert parsed.remainder == "Bộ luật Hàng hải"
    assert _doubts(parsed) == ["phần chưa đọc được"]


def test_two_titles_that_may_be_one_are_doubted() -> None:
    parsed = parse_legal_basis(f"{LEGAL_HEAD}Thông tư ngày 28/4/202225Thông tư về phí64/2025/TT-BTC")
    assert _doubts(parsed) == ["có thể dính hai văn bản"]


def test_results_end_with_their_code_and_the_page_furniture_is_the_rest() -> None:
    parsed = parse_results(f"Giấy khai sinhMã: KQ.G15.000031- Sổ nhà.Mã: 000.00.00.G04-KQ0345{FURNITURE}")
    assert parsed.value == ("Giấy khai sinh", "Sổ nhà")
    assert (parsed.remainder, parsed.doubts) == (FURNITURE, ())


def test_a_description_among_the_furniture_is_doubted() -> None:
    parsed = parse_results("Giấy phépMã: Test_P001Từ khóagiấy phépMô tảCó hạn 10 năm.")
    assert parsed.value == ("Giấy phép",)
    assert parsed.doubts == ('mục Mô tả có nội dung: "Có hạn 10 năm."',)


def test_a_result_named_only_by_dots_is_not_read() -> None:
    assert _doubts(parse_results(f"...Mã: KQ.G01.000279{FURNITURE}")) == ["không đọc được"]


def test_numbered_steps_hold_their_lines() -> None:
    parsed = parse_lines(
        "Chuẩn bị giấy tờ\nBước 1: Nộp đơn.\n- Tại quầy;\nBước 2. Nhận giấy; + Bước 3: Ra về."
    )
    assert parsed.value == ("Chuẩn bị giấy tờ", "Nộp đơn.\n- Tại quầy;", "Nhận giấy;", "Ra về.")
    assert parsed.doubts == ()


def test_lines_lose_their_bullets_but_not_their_letters() -> None:
    text = "- Có nhà ở;\n\n+ Có hộ\nkhẩu tại xã.\na) Đủ 18 tuổi"
    assert parse_lines(text).value == ("Có nhà ở;", "Có hộ\nkhẩu tại xã.", "a) Đủ 18 tuổi")


def test_steps_that_begin_anew_or_break_off_are_doubted() -> None:
    assert parse_lines("Bước 1: Nộp.\nBước 1: Gửi.").doubts == ("các bước đánh số lại từ 1",)
    assert parse_lines("Lập hồ sơ theo quy định tại mục 5.3 (").doubts == ("văn bản bị cắt ở cuối",)


@pytest.mark.parametrize(
    "text", ["", "Không", "không có.", "Không có thông tin", "--", f"Không có thông tin{FURNITURE}"]
)
@pytest.mark.parametrize("parse", [parse_lines, parse_results, parse_documents, parse_legal_basis])
def test_a_column_that_says_nothing_is_no_doubt(parse: Parser, text: str) -> None:
    parsed = parse(text)
    if parse in (parse_lines, parse_results) or FURNITURE not in text:
        assert (parsed.value, parsed.doubts) == ((), ())


def test_a_table_without_rows_is_no_doubt() -> None:
    assert parse_channels(CHANNEL_HEAD).doubts == ()
    assert parse_legal_basis(f"{LEGAL_HEAD}Không có thông tin").doubts == ()


def test_levels_are_named_and_an_unknown_one_is_doubted() -> None:
    parsed = parse_levels("Cấp bộ, Cấp tỉnh, Cấp xã, Cấp huyện, Cơ quan khác")
    assert parsed.value == ("ministry", "province", "commune", "other")
    assert parsed.doubts == ('cấp lạ: "Cấp huyện"',)


def test_a_comma_inside_an_applicants_name_does_not_part_it() -> None:
    text = "Cán bộ, công chức, viên chức, Tổ chức (không gồm doanh nghiệp, HTX), Đảng viên"
    assert parse_applicants(text).value == (
        "Cán bộ, công chức, viên chức", "Tổ chức (không gồm doanh nghiệp, HTX)", "Đảng viên",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parse", "fragment"),
    [
        (parse_channels, "Trực tiếp1Miễn phí(lệ phí "),
        (parse_documents, f"Nhà{DOCUMENT_HEAD}- ĐơnMau.docx11 bản chính"),
        (parse_legal_basis, "Luật 52/2014/QH1320"),
        (parse_results, "Mã: A.A.A"),
        (parse_lines, "a\n"),
        (parse_applicants, "(, A"),
    ],
)
def test_five_megabytes_are_read_whole(parse: Parser, fragment: str) -> None:
    text = fragment * (5_000_000 // len(fragment))
    assert _joined(parse(text)) == text


if PORTAL_RECORDS.exists():  # elsewhere the report's head says that they are not there

    def test_every_record_of_the_crawl_is_read_whole_and_most_without_a_doubt() -> None:
        with lzma.open(PORTAL_RECORDS, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        parsed = {column: [parse(record[column]) for record in records] for column, parse in COLUMNS.items()}
        for column, results in parsed.items():
            for record, result in zip(records, results, strict=True):
                assert _joined(result) == record[column], f"{record['ma_thu_tuc']} {column}"
            clear = sum(not result.doubts for result in results)
            assert clear >= 0.7 * len(results), f"{column}: only {clear} of {len(results)} without a doubt"
