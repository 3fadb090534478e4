"""Facts by which near procedures differ are read off their names and levels."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from knowledge.facets import Facet, are_twins, best_split, differing_ends, is_said, said_value, says_more
from knowledge.library import Library
from knowledge.records import Procedure


def _named(library: Library, name: str, *, levels: tuple[str, ...] = ("commune",)) -> Procedure:
    record = library.catalogue.procedures["1.001193"]
    return record.model_copy(
        update={"name": name, "code": f"9.{abs(hash(name)) % 10**6:06}", "levels": levels}
    )


@pytest.mark.parametrize(
    ("names", "facet", "values"),
    [
        (
            ["Thủ tục đăng ký khai sinh", "Thủ tục đăng ký khai sinh có yếu tố nước ngoài"],
            "abroad",
            ["Có", "Không"],
        ),
        (
            ["Cấp thẻ căn cước cho người dưới 14 tuổi", "Cấp thẻ căn cước cho người từ đủ 14 tuổi trở lên"],
            "age",
            ["Dưới 14 tuổi", "Từ 14 tuổi trở lên"],
        ),
        (
            ["Cấp giấy phép lái xe", "Cấp lại giấy phép lái xe", "Đổi giấy phép lái xe"],
            "how-often",
            ["Làm lần đầu", "Làm lại vì mất hoặc hỏng", "Đổi cái đang có"],
        ),
        (["Đăng ký kết hôn", "Đăng ký kết hôn lưu động"], "at-home", ["Tự đến", "Cán bộ đến nhà"]),
    ],
)
def test_the_fact_by_which_names_differ_is_found(
    library: Library, names: list[str], facet: str, values: list[str]
) -> None:
    split = best_split(library.catalogue.facets, [_named(library, name) for name in names])
    assert split is not None
    assert split[0].id == facet
    assert [value.title for value in split[1]] == values
    assert all(len(group) == 1 for group in split[1].values())


def test_the_level_tells_apart_what_is_named_alike(library: Library) -> None:
    pair = [
        _named(library, "Trình báo mất hộ chiếu phổ thông (thực hiện tại cấp tỉnh)", levels=("province",)),
        _named(library, "Trình báo mất hộ chiếu phổ thông (thực hiện tại cấp xã)"),
    ]
    split = best_split(library.catalogue.facets, pair)
    assert split is not None and split[0].id == "level"


def test_no_fact_is_asked_of_things_that_are_not_alike(library: Library) -> None:
    pair = [_named(library, "Cấp đổi thẻ căn cước"), _named(library, "Đăng ký khai sinh")]
    assert best_split(library.catalogue.facets, pair) is None
    assert not are_twins(*pair, library.catalogue.facets)


def test_names_that_begin_alike_are_told_apart_by_their_ends(library: Library) -> None:
    names = ["Đăng ký thành lập công ty cổ phần", "Thủ tục đăng ký thành lập công ty hợp danh"]
    told = differing_ends([_named(library, name) for name in names])
    assert told is not None
    assert told[0].casefold() == "đăng ký thành lập công ty"
    assert list(told[1]) == ["cổ phần", "hợp danh"]
    assert differing_ends([_named(library, "Đăng ký khai sinh"), _named(library, "Đăng ký kết hôn")]) is None


def test_accents_tell_words_apart_when_they_are_typed(library: Library) -> None:
    told = says_more(_named(library, "Công ty cổ phần"), _named(library, "Công ty hợp danh"))
    assert is_said(told, "cong ty co phan") and is_said(told, "công ty cổ phần")
    assert not is_said(told, "công ty thì có khó không")


def test_a_reply_in_other_words_means_one_value_or_none(library: Library) -> None:
    facet = next(one for one in library.catalogue.facets if one.id == "abroad")
    offered = dict.fromkeys(facet.values)
    assert said_value(facet, offered, "chồng em người Hàn") == facet.values[0]
    assert said_value(facet, offered, "chong em nguoi han") == facet.values[0]
    assert said_value(facet, offered, "để em hỏi lại") is None


def test_a_facet_has_one_value_at_most_that_goes_without_saying() -> None:
    with pytest.raises(ValidationError, match="only one may hold without being told"):
        Facet.model_validate(
            {
                "id": "x",
                "question": "?",
                "values": [{"title": "A", "said": ["a"]}, {"title": "B", "said": ["b"]}],
            }
        )
