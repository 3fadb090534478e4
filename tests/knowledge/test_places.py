"""What places of before the reform of 1/7/2025 are today, as citizens name them."""

from __future__ import annotations

import pytest
import vietnam_provinces

from knowledge.places import bare_name, find_places
from knowledge.search import fold


@pytest.mark.parametrize(
    ("text", "marked", "name", "communes"),
    [
        ("khai sinh ở xã Tam Hợp huyện Bình Xuyên", [], "Xã Tam Hợp", ("Xã Bình Nguyên",)),
        ("khai sinh o xa tam hop huyen binh xuyen", [], "Xã Tam Hợp", ("Xã Bình Nguyên",)),
        ("em ở xã Lũng Hoà", [], "Xã Lũng Hòa", ("Xã Vĩnh Thành",)),
        ("ở tp Vĩnh Yên", [], "Thành phố Vĩnh Yên", ("Phường Vĩnh Phúc", "Phường Vĩnh Yên")),
        ("nhà em ở Phúc Yên", ["Phúc Yên"], "Thành phố Phúc Yên", ("Phường Phúc Yên", "Phường Xuân Hòa")),
        ("thị trấn Tam Đường làm hộ chiếu ở đâu", [], "Thị trấn Tam Đường", ("Xã Bình Lư",)),
    ],
)
def test_an_old_place_is_found_with_what_it_is_today(
    text: str, marked: list[str], name: str, communes: tuple[str, ...]
) -> None:
    (place,) = find_places(text, marked, "Vĩnh Phúc")
    assert (place.name, place.communes) == (name, communes)


@pytest.mark.parametrize(
    "text", ["bảo hiểm xã hội", "phường nào gần nhất", "quan hệ vợ chồng", "huyện nhà", "tỉnh này", ""]
)
def test_what_only_sounds_like_a_place_is_none(text: str) -> None:
    assert find_places(text, [], "Vĩnh Phúc") == []


def test_the_home_province_comes_first_and_the_larger_unit_that_is_named_decides() -> None:
    (home,) = find_places("xã Tân Lập", [], "Vĩnh Phúc")
    assert home.district == "Huyện Sông Lô"
    (named,) = find_places("xã Tam Hợp huyện Quỳ Hợp", [], "Vĩnh Phúc")
    assert (named.district, named.province) == ("Huyện Quỳ Hợp", "Tỉnh Nghệ An")
    (province,) = find_places("xã Tân Lập tỉnh Sơn La", [], "Vĩnh Phúc")
    assert province.name == "Tỉnh Sơn La"  # it has no such commune, and the one at home is not meant


def test_several_places_of_one_name_stay_several_where_nothing_tells_which() -> None:
    assert len(find_places("xã Tân Lập", [], "Trà Vinh")) > 1


def test_a_province_is_told_with_its_new_one() -> None:
    (place,) = find_places("tỉnh Trà Vinh", [], "Vĩnh Phúc")
    assert (place.kind, place.province) == ("province", "Tỉnh Vĩnh Long")


def test_every_commune_told_is_one_of_today() -> None:
    of_today = {
        (fold(bare_name(vietnam_provinces.Province.from_code(ward.province_code).name)), fold(ward.name))
        for ward in vietnam_provinces.Ward.iter_all()
    }
    districts = ["Huyện Lập Thạch", "Huyện Càng Long", "Huyện Phong Thổ", "Quận 1", "Thành phố Thủ Đức"]
    for district in districts:
        (place,) = find_places(district, [district], "Vĩnh Phúc")
        assert {(fold(bare_name(place.province)), fold(one)) for one in place.communes} <= of_today
