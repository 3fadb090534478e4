"""Numbers and names that identify people are hidden; codes, dates, amounts and places stay."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from knowledge.dossier_codes import find_codes
from knowledge.redaction import HIDDEN, redact, redact_names

CODE = "H62.12-200317-0001"


@pytest.mark.parametrize(
    "number",
    [
        "0915163312", "0915 163 312", "0915.163.312", "+84 915 163 312", "026123456789", "135123456",
        "DN 4 79 1234567890",
        "(0912) 345678",
        "+84(912)345678",
        "0912/345/678",
        "0912,345,678",
        "0912–345–678",
        "B1234567", "DN4791234567890", "lan.nguyen@example.com", "19001234567890",
    ],
)  # fmt: skip
def test_a_personal_number_is_hidden(number: str) -> None:
    assert redact(f"của em là {number} ạ") == f"của em là {HIDDEN} ạ"


@pytest.mark.parametrize(
    "text",
    [
        "hồ sơ 000.00.12.H62-201105-0004 tới đâu",
        "hồ sơ G09.20-20260609-0092637",
        "thủ tục 1.001193",
        "ngày 01/04/2020",
        "ngày 01.04.2020 nhé",
        "từ 28/3/2020 - 15/4/2020",
        "ngày 1/4/2020, 2/4/2020",
        "lệ phí 160.000 đồng",
        "gọi 1800 1096",
        "em nộp năm 2025, sinh 1990",
        "năm 2025 ạ",
        "nộp ngày 01/04/2020 3 hồ sơ",
        "nghị định 118/2025/NĐ-CP",
        f"hồ sơ {CODE} nộp ngày 01/04/2020, lệ phí 160.000 đồng",
        f"hồ sơ {CODE} nộp năm 2020 thủ tục 1.001193",
        f"{CODE} và H62.12-200317-0002",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", ["sđt0912345678", "0912345678nhé", "cccd001099012345", "tôi.0912345678"])
def test_a_personal_number_glued_to_a_word_is_hidden(text: str) -> None:
    assert not any(letter.isdigit() for letter in redact(text))


def test_a_number_beside_a_code_is_hidden_and_the_code_stays() -> None:
    assert redact(f"{CODE}, sđt 0915163312") == f"{CODE}, sđt {HIDDEN}"


@pytest.mark.parametrize("factor", ["1234", "123A", "123a", "0001"])
@pytest.mark.parametrize(
    "text", ["{} {}", "{}, 4 số cuối {}", "hồ sơ {} số cuối {} ạ", "{}\n{}", "{} - {}", "{}: {}"]
)
def test_what_proves_a_dossier_is_hidden_beside_its_code_and_the_code_stays(text: str, factor: str) -> None:
    assert redact(text.format(CODE, factor)) == text.format(CODE, HIDDEN)


@pytest.mark.parametrize(
    "written", ["h62.12-200317-0001", "H62.12 – 200317 – 0001", "h62 12 200317 0001", "H62.12/200317/0001"]
)
def test_a_code_written_loosely_is_stored_in_its_own_form_without_its_proof(written: str) -> None:
    stored = redact(f"mã {written}, 4 số cuối 1234")
    assert stored == f"mã {CODE}, 4 số cuối {HIDDEN}"
    assert find_codes(stored) == [CODE]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (f"1234 là của {CODE}", f"{HIDDEN} là của {CODE}"),
        (f"{CODE} 1234, H62.12-200317-0002 5678", f"{CODE} {HIDDEN}, H62.12-200317-0002 {HIDDEN}"),
    ],
)
def test_proofs_before_and_between_codes_are_hidden(text: str, stored: str) -> None:
    assert redact(text) == stored


@pytest.mark.parametrize("text", ["1234", " 1234 ", "1234.", "123A", "123a", "(1234)"])
def test_four_characters_alone_are_hidden(text: str) -> None:
    assert redact(text).strip(" .()") == HIDDEN


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1234 ạ", f"{HIDDEN} ạ"),
        ("1234ạ", f"{HIDDEN}ạ"),
        ("dạ 1234 nhé", f"dạ {HIDDEN} nhé"),
    ],
)
def test_four_characters_with_polite_words_alone_are_hidden(text: str, stored: str) -> None:
    assert redact(text) == stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("4 số cuối 1234", f"4 số cuối {HIDDEN}"),
        ("4 số cuối là 1234 ạ", f"4 số cuối là {HIDDEN} ạ"),
        ("Số cuối: 123a", f"Số cuối: {HIDDEN}"),
        ("so cuoi la 1234", f"so cuoi la {HIDDEN}"),
        ("đuôi 1234 nhé", f"đuôi {HIDDEN} nhé"),
        ("sđt 1234", f"sđt {HIDDEN}"),
        ("điện thoại của em là 1234", f"điện thoại của em là {HIDDEN}"),
        ("cccd 123a", f"cccd {HIDDEN}"),
        ("căn cước 1234", f"căn cước {HIDDEN}"),
    ],
)
def test_four_characters_that_are_said_to_be_a_proof_are_hidden(text: str, stored: str) -> None:
    assert redact(text) == stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Chuyên viên Nguyễn Văn An đã tiếp nhận", f"Chuyên viên {HIDDEN} đã tiếp nhận"),
        ("chuyên viên Cháng Thị Mẩy đang xử lý", f"chuyên viên {HIDDEN} đang xử lý"),
        ("Đ/c Lê Thị Hoa yêu cầu bổ sung", f"Đ/c {HIDDEN} yêu cầu bổ sung"),
        ("đồng chí Quách Minh trả lại", f"đồng chí {HIDDEN} trả lại"),
        ("thiếu chữ ký của ông Páo", f"thiếu chữ ký của ông {HIDDEN}"),
        ("Bà Trần Thị Bình chưa ký", f"Bà {HIDDEN} chưa ký"),
        ("đề nghị anh Hùng, chị Lan bổ sung", f"đề nghị anh {HIDDEN}, chị {HIDDEN} bổ sung"),
        ("Họ tên: Kiều Thị Mơ", f"Họ tên: {HIDDEN}"),
        ("Họ tên Kiều Thị Mơ", f"Họ tên {HIDDEN}"),
        ("Cán bộ Quách Thị Lan tiếp nhận", f"Cán bộ {HIDDEN} tiếp nhận"),
        ("Công chức Kiều Văn Hùng trình ký", f"Công chức {HIDDEN} trình ký"),
    ],
)
def test_a_name_after_a_title_is_hidden(text: str, stored: str) -> None:
    assert redact_names(text) == stored


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Văn An",
        "Lê Hoa",
        "Đặng Thị Ngọc Ánh",
        "Lò A Páo",
        "Giàng Thị Dợ",
        "Thạch Sơn",
        "NGUYỄN VĂN AN",
        "Trần Nguyễn Bảo Ngọc Anh",
        "Nguyễn  Văn An",
        normalize("NFD", "Nguyễn Văn Tuấn"),
    ],
)
@pytest.mark.parametrize("text", ["{} nộp thiếu giấy chứng sinh", "giấy tờ của {}.", "Người nộp: {}, đã ký"])
def test_a_surname_with_another_name_is_hidden_without_a_title(text: str, name: str) -> None:
    assert redact_names(text.format(name)) == text.format(HIDDEN)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Nguyễn Văn An, Trần Thị Bình", f"{HIDDEN}, {HIDDEN}"),
        ("ông Nguyễn Văn An và vợ là Lê Thị Hoa", f"ông {HIDDEN} và vợ là {HIDDEN}"),
        ("Lò Văn Páo. Đề nghị nộp lại", f"{HIDDEN}. Đề nghị nộp lại"),
        ("Trưởng thôn Lò Văn Páo xác nhận", f"Trưởng thôn {HIDDEN} xác nhận"),
    ],
)
def test_every_name_of_a_text_is_hidden_and_its_sentences_stay(text: str, stored: str) -> None:
    assert redact_names(text) == stored


def test_numbers_beside_names_are_hidden_and_the_code_stays() -> None:
    said = f"Hồ sơ {CODE} của bà Trần Thị Bình, sđt 0912 345 678, CCCD 001099012345, ngày 01/04/2020"
    assert redact_names(said) == (
        f"Hồ sơ {CODE} của bà {HIDDEN}, sđt {HIDDEN}, CCCD {HIDDEN}, ngày 01/04/2020"
    )


@pytest.mark.parametrize(
    "text",
    [
        "nhà ở đường Lê Lợi",
        "xã Trần Phú",
        "phường Lê Hồng Phong, thành phố Vĩnh Yên",
        "phố Lý Thường Kiệt",
        "huyện Mai Châu",
        "tỉnh Cao Bằng",
        "tỉnh Hà Giang",
        "trường Lê Quý Đôn",
        "khu Đinh Tiên Hoàng",
        "số 5 đường Nguyễn Trãi, phường Ngô Quyền",
        "đường Trần Cao Vân",
        "đường Nguyễn Lương Bằng",
        "tỉnh Bà Rịa - Vũng Tàu",
        "huyện Anh Sơn",
        "giấy khai sinh đăng ký tại Hà Nội",
        "cư trú tại Cao Bằng",
        "Thành phố Hồ Chí Minh",
    ],
)
def test_a_place_stays(text: str) -> None:
    assert redact_names(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Trung tâm Phục vụ hành chính công",
        "Trung tâm Phục vụ hành chính công tỉnh Vĩnh Phúc",
        "Văn phòng Đăng ký đất đai",
        "Chi nhánh Văn phòng Đăng ký đất đai huyện Bình Xuyên",
        "Ủy ban nhân dân xã Tam Sơn",
        "UBND xã Trần Phú",
        "Sở Tư pháp",
        "Sở Giao thông vận tải",
        "Phòng Lao động - Thương binh và Xã hội",
        "Phiếu Lý lịch tư pháp số 2",
        "Lý lịch tư pháp",
        "Bộ phận Tiếp nhận và Trả kết quả",
        "Công an tỉnh",
        "Bảo hiểm xã hội Việt Nam",
        "Ngân hàng Nông nghiệp",
    ],
)
def test_the_name_of_an_institution_stays(text: str) -> None:
    assert redact_names(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bổ sung bản sao giấy chứng sinh",
        "Hồ sơ thiếu giấy chứng nhận kết hôn",
        "Lưu ý: nộp bản chính để đối chiếu",
        "Hà cớ gì chưa nộp",
        "Cao hơn mức quy định",
        "Đề nghị anh/chị bổ sung trong 05 ngày",
        "Đề nghị ông/bà nộp lệ phí 150.000 đồng",
        "Tờ khai chưa ghi ngày sinh 01/04/1990",
        "Đang xử lý",
        "Chờ bổ sung hồ sơ",
        "HỒ SƠ THIẾU GIẤY CHỨNG SINH",
    ],
)
def test_an_ordinary_sentence_of_an_office_stays(text: str) -> None:
    assert redact_names(text) == text
