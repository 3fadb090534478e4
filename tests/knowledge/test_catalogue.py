"""The catalogue holds what the issue of the province asks for, each fact dated and sourced."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError, read_yaml
from knowledge.library import Library
from knowledge.records import Procedure

CODES = """
1.001193 1.004884 1.004772 2.000528 1.000689 2.000986 2.001023 1.000894 1.004746 2.000806 1.004873 1.000656
1.005461 2.000635 2.002516 1.004837 1.004845 1.004859 1.001022 2.001263 2.001255 2.000815 2.000884 2.001019
2.001035 2.001406 2.000908 3.000333 1.004222 1.003197 1.004194 1.002755 1.010028 1.003677 1.010038 1.010041
1.010039 2.001159 1.014061 1.014062 1.014063 1.014064 3.000228 1.001456 1.001445 1.010386 3.000346 3.000347
3.000348 3.000353 1.013067 1.012575 1.013076 1.013079 1.013080 1.013082 1.013065 1.001612 2.000720 1.001266
1.001570 2.001583 2.001199 2.002043 2.001610 2.002042 1.012753 1.012783 1.012784 1.013831 1.013980 1.011441
1.011443 1.013225 1.001613 2.000693 1.001667 2.000821 1.001294 1.002438 1.001601 1.008498 1.008501 2.000829
1.011606 1.011607
""".split()


def test_the_eighty_six_procedures_are_there(library: Library) -> None:
    assert len(CODES) == 86
    assert set(CODES) <= set(library.catalogue.procedures)


def test_no_two_procedures_share_a_name(library: Library) -> None:
    names: dict[str, str] = {}
    for code, record in library.catalogue.procedures.items():
        for name in {record.name, record.title, *record.aliases}:
            assert names.setdefault(name.casefold(), code) == code, (
                f"{name}: {names[name.casefold()]} and {code}"
            )


@pytest.mark.parametrize("code", CODES)
def test_a_procedure_is_known_from_its_first_day_on_and_not_the_day_before(
    library: Library, code: str
) -> None:
    record = library.catalogue.procedures[code]
    assert library.catalogue.procedures.on(code, record.valid_from) is record
    assert library.catalogue.procedures.on(code, record.valid_from - timedelta(days=1)) is None
    assert library.catalogue.procedures.on(code, date(2020, 4, 1)) is None


def test_an_expired_amount_is_never_the_only_one_told(library: Library) -> None:
    today = date(2026, 11, 22)
    for record in library.catalogue.procedures.values():
        for channel in record.channels or ():
            if channel.fees:
                current = [
                    fee for fee in channel.fees if not fee.is_expired(today) and not fee.is_future(today)
                ]
                assert current, f"{record.code} {channel.channel}: every amount is over"


def test_every_source_is_a_page_of_the_national_portal(library: Library) -> None:
    for record in library.catalogue.procedures.values():
        assert record.source.url.startswith("https://dichvucong.gov.vn/"), record.code
        assert record.source.read_on >= date(2026, 7, 1)


def test_the_three_provinces_have_their_unit_codes(library: Library) -> None:
    codes = {
        name: library.catalogue.province(name).unit_code for name in ("vinh-phuc", "lai-chau", "tra-vinh")
    }
    assert codes == {"vinh-phuc": "H62", "lai-chau": "H35", "tra-vinh": "H59"}


def test_an_unknown_province_is_refused_with_those_there_are(library: Library) -> None:
    with pytest.raises(LookupError, match="lai-chau, tra-vinh, vinh-phuc"):
        library.catalogue.province("atlantis")


def test_all_ten_statuses_are_explained_on_both_days(library: Library) -> None:
    for number in range(1, 11):
        topic = library.catalogue.status_topic(number)
        assert topic is not None, number
        assert topic.rules_on(date(2020, 4, 1)) and topic.rules_on(date(2026, 11, 22)), topic.id


def test_an_expired_topic_names_what_replaced_it(library: Library) -> None:
    today = date(2026, 11, 22)
    for topic in library.catalogue.topics.values():
        if not topic.rules_on(today) and topic.intent == "ask_covid_rule":
            assert topic.replaced_by, topic.id


def test_no_rule_holds_before_its_text_was_issued(library: Library) -> None:
    for topic in library.catalogue.topics.values():
        for rule in topic.rules:
            texts = library.catalogue.texts(rule.sources)
            issued = [text.issued_on for text in texts if text.issued_on]
            assert not issued or min(issued) <= rule.valid_from, f"{topic.id}: {rule.valid_from}"


def test_a_long_name_needs_a_short_one_for_its_button() -> None:
    data = read_yaml(CONTENT / "procedures/1.013831.yml").data
    assert Procedure.model_validate(data).title == data["short_name"]
    del data["short_name"]
    with pytest.raises(ValueError, match="short_name: is missing; the name is longer than 60 characters"):
        Procedure.model_validate(data)


def test_a_life_event_that_names_an_unknown_procedure_is_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    path = folder / "life_events.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("2.000986", "9.999999"), encoding="utf-8")
    with pytest.raises(ContentError) as refused:
        load_catalogue(folder)
    assert "life_events.yml" in str(refused.value)
    assert "names procedures/9.999999.yml, which is not there" in str(refused.value)


def test_every_life_event_leads_to_procedures_that_hold(library: Library) -> None:
    assert len(library.catalogue.life_events) >= 7
    for event in library.catalogue.life_events.values():
        assert all(library.catalogue.procedures.on(code, date(2026, 11, 22)) for code in event.procedures)
        assert library.find_life_events(event.aliases[0])[0].key == event.id
