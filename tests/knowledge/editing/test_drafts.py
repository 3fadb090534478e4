"""Drafts: two editors, another reviewer, days on which things begin, and going back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from knowledge.catalogue_files import load_catalogue
from knowledge.database import now, reading, transaction
from knowledge.editing.drafts import (
    Settled,
    approve,
    begin_anew,
    draft,
    drop,
    effect_of,
    give_back,
    save,
    submit,
    take_away,
    unschedule,
)
from knowledge.editing.published import Published
from knowledge.editing.records import Key
from knowledge.editing.revisions import (
    ContentRevision,
    EditRefused,
    deciding,
    holding_of,
    revisions_of_record,
)

TODAY = date(2026, 11, 29)
NEW_YEAR = date(2027, 1, 1)
FEBRUARY = date(2027, 2, 1)
BIRTH: Key = ("procedure", "1.001193")
LAN, MINH, HOA = 1, 2, 3
WHY = "Nghị quyết mới của HĐND tỉnh"
Edit = Callable[[Any], None]


class Team:
    """Three people who edit one database."""

    def __init__(self, engine: Engine, published: Published) -> None:
        self.engine, self.published = engine, published

    def submitted(
        self, edit: Edit, record: Key = BIRTH, publish_on: date | None = None, by: int = LAN
    ) -> int:
        """Draft a change and hand it in for review; give its number."""
        number = self.drafted(edit, record, by)
        self.hand_in(number, publish_on, by)
        return number

    def publish(self, edit: Edit, record: Key = BIRTH, publish_on: date | None = None) -> int:
        """Let a change be approved by another."""
        number = self.submitted(edit, record, publish_on)
        self.approve([number])
        return number

    def settled(self, edit: Edit, publish_on: date | None, keep: str, record: Key = BIRTH) -> int:
        """Draft a change that meets another, and hand it in with ``mine`` or ``theirs`` kept."""
        number = self.drafted(edit, record)
        chosen: dict[tuple[int, int], Any] = {}
        while True:
            try:
                self.hand_in(number, publish_on, settled=chosen)
                return number
            except EditRefused as error:
                facts = error.facts
                data = deepcopy(facts["theirs"])
                for each in error.conflicts:
                    (field,) = each.place
                    data[field] = getattr(each, keep)
                chosen[facts["against"]] = data

    def drafted(self, edit: Edit, record: Key = BIRTH, by: int = LAN) -> int:
        """Draft a change."""
        with transaction(self.engine) as session:
            row = draft(session, record, by, TODAY)
            data = deepcopy(row.data)
            edit(data)
            save(session, row.id, row.version, row.data, data, by)
            return row.id

    def hand_in(
        self, number: int, publish_on: date | None = None, by: int = LAN, settled: Settled | None = None
    ) -> None:
        with transaction(self.engine) as session:
            submit(session, self.published, [number], by, WHY, publish_on, TODAY, settled)

    def approve(self, numbers: list[int], by: int = MINH) -> None:
        with transaction(self.engine) as session:
            seen = {number: session.get_one(ContentRevision, number).version for number in numbers}
            approve(session, self.published, seen, by, TODAY)

    def unschedule(self, number: int, by: int = MINH) -> None:
        with transaction(self.engine) as session:
            unschedule(session, self.published, number, by, TODAY)

    def birth(self, day: date = TODAY) -> Any:
        return load_catalogue(self.published.on(day)).procedures.written["1.001193"]

    def data(self, record: Key = BIRTH, day: date = TODAY) -> Any:
        with reading(self.engine) as session:
            newest = [each for each in revisions_of_record(session, record) if each.state == "approved"]
            return next(each.data for each in newest if each.publish_on and each.publish_on <= day)


@pytest.fixture
def team(any_engine: Engine, published: Published) -> Team:
    return Team(any_engine, published)


@pytest.fixture
def session(team: Team) -> Iterator[Session]:
    with transaction(team.engine) as session:
        yield session


def _name(name: str) -> Edit:
    return lambda data: data.update(summary=name)


def _where(where: str) -> Edit:
    return lambda data: data.update(where=where)


def test_a_change_is_published_when_another_has_approved_it(team: Team) -> None:
    before = team.birth().summary
    number = team.submitted(_name("Ghi tên trẻ"))
    assert team.birth().summary == before
    team.approve([number])
    assert team.birth().summary == "Ghi tên trẻ"


def test_nobody_approves_what_they_wrote(team: Team) -> None:
    number = team.submitted(_name("Ghi tên trẻ"))
    with pytest.raises(EditRefused, match="wrote") as refused:
        team.approve([number], by=LAN)
    assert refused.value.reason == "own"


def test_who_helped_writing_does_not_approve_either(team: Team) -> None:
    with transaction(team.engine) as session:
        row = draft(session, BIRTH, LAN, TODAY)
        began = deepcopy(row.data)
        save(session, row.id, row.version, began, {**began, "summary": "x"}, LAN)
        row = draft(session, BIRTH, MINH, TODAY)
        save(session, row.id, row.version, row.data, {**row.data, "where": "y"}, MINH)
        submit(session, team.published, [row.id], LAN, WHY, None, TODAY)
    with pytest.raises(EditRefused):
        team.approve([row.id], by=MINH)
    team.approve([row.id], by=HOA)


def test_the_new_fact_begins_on_its_day_and_not_before(team: Team) -> None:
    before = team.birth().where
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    assert team.birth(NEW_YEAR - timedelta(days=1)).where == before
    assert team.birth(NEW_YEAR).where == "Trung tâm mới"
    assert team.birth(NEW_YEAR + timedelta(days=400)).where == "Trung tâm mới"  # however long it was down


def test_two_editors_changes_are_put_together(session: Session) -> None:
    row = draft(session, BIRTH, LAN, TODAY)
    same = draft(session, BIRTH, MINH, TODAY)
    assert same.id == row.id
    began, version = deepcopy(row.data), row.version
    save(session, row.id, version, began, {**began, "summary": "của Lan"}, LAN)
    save(session, row.id, version, began, {**began, "where": "của Minh"}, MINH)
    assert (row.data["summary"], row.data["where"]) == ("của Lan", "của Minh")
    assert row.authors == [LAN, MINH]


def test_the_second_editor_of_a_field_is_told_what_the_first_wrote(session: Session) -> None:
    row = draft(session, BIRTH, LAN, TODAY)
    began, version = deepcopy(row.data), row.version
    save(session, row.id, version, began, {**began, "summary": "của Lan"}, LAN)
    with pytest.raises(EditRefused) as refused:
        save(session, row.id, version, began, {**began, "summary": "của Minh"}, MINH)
    (conflict,) = refused.value.conflicts
    assert (conflict.place, conflict.theirs, conflict.mine) == (("summary",), "của Lan", "của Minh")
    assert row.data["summary"] == "của Lan"
    save(session, row.id, row.version, row.data, {**row.data, "summary": "của cả hai"}, MINH)
    assert row.data["summary"] == "của cả hai"


def test_what_is_scheduled_takes_todays_correction_over(team: Team) -> None:
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    team.publish(_name("Ghi tên trẻ"))
    assert team.birth().summary == "Ghi tên trẻ"
    assert (team.birth(NEW_YEAR).summary, team.birth(NEW_YEAR).where) == ("Ghi tên trẻ", "Trung tâm mới")


def test_one_field_is_scheduled_twice_once_its_author_has_chosen(team: Team) -> None:
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    number = team.drafted(_where("Trung tâm thứ hai"))
    with pytest.raises(EditRefused) as refused:
        team.hand_in(number, FEBRUARY)
    (conflict,) = refused.value.conflicts
    assert refused.value.reason == "outrun"
    assert (conflict.theirs, conflict.mine) == ("Trung tâm mới", "Trung tâm thứ hai")
    chosen = {**refused.value.facts["theirs"], "where": "Trung tâm thứ hai"}
    team.hand_in(number, FEBRUARY, settled={refused.value.facts["against"]: chosen})
    team.approve([number])
    assert team.birth(FEBRUARY - timedelta(days=1)).where == "Trung tâm mới"
    assert team.birth(FEBRUARY).where == "Trung tâm thứ hai"


def test_what_was_chosen_counts_for_the_version_it_was_chosen_for(team: Team) -> None:
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    number = team.drafted(_where("Trung tâm thứ hai"))
    with pytest.raises(EditRefused) as refused:
        team.hand_in(number, FEBRUARY)
    with transaction(team.engine) as session:  # a colleague writes meanwhile
        row = session.get_one(ContentRevision, number)
        save(session, number, row.version, row.data, {**row.data, "summary": "của Minh"}, MINH)
    with pytest.raises(EditRefused) as again:
        team.hand_in(number, FEBRUARY, settled={refused.value.facts["against"]: refused.value.facts["mine"]})
    assert again.value.facts["mine"]["summary"] == "của Minh"


def test_a_draft_that_was_given_back_is_handed_in_again_for_another_day(team: Team) -> None:
    before = team.birth().summary
    team.publish(_name("Câu của năm mới"), publish_on=NEW_YEAR)
    number = team.submitted(_where("Trung tâm mới"), publish_on=FEBRUARY)
    with transaction(team.engine) as session:
        give_back(session, number, MINH, "Áp dụng ngay hôm nay")
    team.hand_in(number, None)
    team.approve([number])
    assert (team.birth().where, team.birth().summary) == ("Trung tâm mới", before)
    assert team.birth(NEW_YEAR).summary == "Câu của năm mới"


@pytest.mark.parametrize(("keep", "later"), [("theirs", "Trung tâm mới"), ("mine", "Trung tâm khác")])
def test_todays_correction_of_a_scheduled_field_says_what_stands_from_that_day(
    team: Team, keep: str, later: str
) -> None:
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    with pytest.raises(EditRefused) as refused:
        team.hand_in(team.drafted(_where("Trung tâm khác")))
    assert refused.value.reason == "scheduled" and refused.value.facts["day"] == NEW_YEAR
    number = team.settled(_where("Trung tâm khác"), None, keep)
    with transaction(team.engine) as session:
        effect = effect_of(session, session.get_one(ContentRevision, number), TODAY)
    assert [(each.publish_on, data["where"]) for each, data in effect.later] == [(NEW_YEAR, later)]
    team.approve([number])
    assert team.birth().where == "Trung tâm khác"
    assert team.birth(NEW_YEAR).where == later


def test_what_was_chosen_for_a_later_day_is_chosen_anew_when_that_day_has_another_revision(
    team: Team,
) -> None:
    coming = team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    number = team.settled(_where("Trung tâm khác"), None, "mine")
    _past_the_draft(team, coming, {"where": "Trung tâm thứ ba"})
    with pytest.raises(EditRefused) as refused:
        team.approve([number])
    assert refused.value.reason == "scheduled"
    with transaction(team.engine) as session:
        give_back(session, number, MINH, "Chọn lại giúp mình")
    with pytest.raises(EditRefused) as refused:
        team.hand_in(number)
    (conflict,) = refused.value.conflicts
    assert conflict.theirs == "Trung tâm thứ ba"


def test_what_ends_on_a_later_day_ends_although_it_is_corrected_today(team: Team) -> None:
    record: Key = ("questions", "1.001022")
    with transaction(team.engine) as session:
        row = take_away(session, record, LAN, TODAY)
        submit(session, team.published, [row.id], LAN, "không còn dùng nữa", NEW_YEAR, TODAY)
    team.approve([row.id])
    team.publish(lambda data: data.append("nhận con riêng làm giấy gì"), record)
    assert "nhận con riêng làm giấy gì" in load_catalogue(team.published.on(TODAY)).questions["1.001022"]
    assert "1.001022" not in load_catalogue(team.published.on(NEW_YEAR)).questions


def test_a_later_change_builds_on_what_is_scheduled_before_it(team: Team) -> None:
    team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    team.publish(_name("Ghi tên trẻ"), publish_on=NEW_YEAR + timedelta(days=31))
    later = team.birth(NEW_YEAR + timedelta(days=31))
    assert (later.summary, later.where) == ("Ghi tên trẻ", "Trung tâm mới")


def _past_the_draft(team: Team, held: int, newer: dict[str, Any]) -> None:
    """Change what holds although a draft is open, as loading files does."""
    with transaction(team.engine) as session:
        row = session.get_one(ContentRevision, held)
        session.add(
            ContentRevision(
                kind=row.kind, key=row.key, data={**row.data, **newer}, state="approved",
                base_id=held, publish_on=row.publish_on, decided_at=deciding(session),
            )
        )  # fmt: skip
        if row.publish_on and row.publish_on > TODAY:
            row.state = "dropped"


def _held(team: Team, record: Key = BIRTH, day: date = TODAY) -> int:
    with reading(team.engine) as session:
        row = holding_of(session, record, day)
        assert row
        return row.id


def test_a_draft_that_was_outrun_takes_the_newer_facts_over(team: Team) -> None:
    slow = team.submitted(_name("Ghi tên trẻ"))
    _past_the_draft(team, _held(team), {"where": "Nơi mới"})
    with reading(team.engine) as session:
        effect = effect_of(session, session.get_one(ContentRevision, slow), TODAY)
    assert effect.held and effect.held.data["where"] == effect.data["where"] == "Nơi mới"
    team.approve([slow])
    assert (team.birth().summary, team.birth().where) == ("Ghi tên trẻ", "Nơi mới")


def test_a_draft_that_was_outrun_in_the_same_field_is_handed_in_again(team: Team) -> None:
    slow = team.submitted(_where("Nơi chậm"))
    _past_the_draft(team, _held(team), {"where": "Nơi mới"})
    with pytest.raises(EditRefused) as refused:
        team.approve([slow])
    assert refused.value.reason == "outrun"
    with transaction(team.engine) as session:
        give_back(session, slow, MINH, "Xem lại nơi nộp")
    assert team.settled(lambda data: None, None, "mine") == slow
    team.approve([slow])
    assert team.birth().where == "Nơi chậm"


def test_a_draft_that_changed_since_the_reviewer_looked_is_not_approved(team: Team) -> None:
    number = team.submitted(_name("Ghi tên trẻ"))
    with reading(team.engine) as session:
        seen = {number: session.get_one(ContentRevision, number).version}
    with transaction(team.engine) as session:
        row = give_back(session, number, LAN, "")
        save(session, number, row.version, row.data, {**row.data, "summary": "Câu khác"}, LAN)
    team.hand_in(number)
    with pytest.raises(EditRefused) as refused, transaction(team.engine) as session:
        approve(session, team.published, seen, MINH, TODAY)
    assert refused.value.reason == "changed"


def test_a_draft_handed_in_for_another_day_is_looked_at_again(team: Team) -> None:
    number = team.submitted(_name("Ghi tên trẻ"))
    with transaction(team.engine) as session:
        seen = {number: session.get_one(ContentRevision, number).version}
        give_back(session, number, LAN, "")
    team.hand_in(number, NEW_YEAR)
    with pytest.raises(EditRefused) as refused, transaction(team.engine) as session:
        approve(session, team.published, seen, MINH, TODAY)
    assert refused.value.reason == "changed"


def test_what_is_scheduled_is_taken_back_by_another_than_its_author(team: Team) -> None:
    coming = team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    before = team.birth().where
    with pytest.raises(EditRefused) as refused:
        team.unschedule(coming, by=LAN)
    assert refused.value.reason == "own_scheduled"
    assert team.birth(NEW_YEAR).where == "Trung tâm mới"
    team.unschedule(coming, by=MINH)
    assert team.birth(NEW_YEAR).where == before


def test_what_is_published_is_neither_unscheduled_nor_dropped(team: Team) -> None:
    number = team.publish(_name("Ghi tên trẻ"))
    with pytest.raises(EditRefused) as refused:
        team.unschedule(number)
    assert refused.value.reason == "published"
    for each in (number, team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)):
        with pytest.raises(EditRefused) as refused, transaction(team.engine) as session:
            drop(session, each)
        assert refused.value.reason == "not_so"


@pytest.mark.parametrize("day", [NEW_YEAR, FEBRUARY])
def test_what_came_after_loses_the_change_that_is_taken_back(team: Team, day: date) -> None:
    before = team.birth().where
    coming = team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    team.publish(_name("Ghi tên trẻ"), publish_on=day)
    assert team.birth(day).where == "Trung tâm mới"
    team.unschedule(coming)
    assert (team.birth(day).where, team.birth(day).summary) == (before, "Ghi tên trẻ")


def test_what_a_later_change_of_the_same_field_rests_on_is_not_taken_back(team: Team) -> None:
    coming = team.publish(_where("Trung tâm mới"), publish_on=NEW_YEAR)
    later = team.settled(_where("Trung tâm thứ hai"), FEBRUARY, "mine")
    team.approve([later])
    with pytest.raises(EditRefused) as refused:
        team.unschedule(coming)
    assert refused.value.reason == "built_on" and refused.value.facts["day"] == FEBRUARY
    assert team.birth(NEW_YEAR).where == "Trung tâm mới"
    team.unschedule(later)
    team.unschedule(coming)
    assert team.birth(FEBRUARY).where not in ("Trung tâm mới", "Trung tâm thứ hai")


def test_what_others_refer_to_on_a_later_day_is_not_taken_back(team: Team) -> None:
    text: Key = ("official_text", "9/2026/NQ-HĐND")
    with transaction(team.engine) as session:
        row = draft(session, text, LAN, TODAY, {"title": "Nghị quyết 9"})
        submit(session, team.published, [row.id], LAN, WHY, NEW_YEAR, TODAY)
    team.approve([row.id])
    team.publish(
        lambda data: data["rules"][0]["sources"].append(text[1]), _a_topic(team), publish_on=FEBRUARY
    )
    with pytest.raises(EditRefused, match="9/2026"):
        team.unschedule(row.id)
    assert text[1] in load_catalogue(team.published.on(FEBRUARY)).official_texts


def _a_topic(team: Team) -> Key:
    return ("topic", sorted(key for kind, key in team.published.on(TODAY).revisions if kind == "topic")[0])


def test_the_order_of_approvals_holds_whatever_the_clocks_of_the_replicas_say(team: Team) -> None:
    team.publish(_name("Trước"))
    with transaction(team.engine) as session:  # by a replica whose clock is an hour ahead
        session.get_one(ContentRevision, _held(team)).decided_at = now() + timedelta(hours=1)
    team.publish(_name("Sau"))
    assert team.birth().summary == "Sau"
    with transaction(team.engine) as session:
        assert deciding(session) > now() + timedelta(minutes=59)


def test_one_goes_back_by_publishing_an_older_revision(team: Team) -> None:
    first = team.data()["summary"]
    team.publish(_name("sai"))
    with transaction(team.engine) as session:
        oldest = revisions_of_record(session, BIRTH)[-1]
        row = begin_anew(session, oldest.id, LAN, TODAY)
        submit(session, team.published, [row.id], LAN, "quay lại bản đúng", None, TODAY)
    team.approve([row.id])
    assert team.birth().summary == first


def test_a_record_that_others_refer_to_is_not_taken_away(team: Team) -> None:
    with pytest.raises(EditRefused) as refused, transaction(team.engine) as session:
        row = take_away(session, ("official_text", "2138/UBND-HCC1"), LAN, TODAY)
        submit(session, team.published, [row.id], LAN, "văn bản đã cũ", None, TODAY)
    assert refused.value.reason == "faulty" and "2138/UBND-HCC1" in str(refused.value)


def test_a_record_is_taken_away_from_its_day_on(team: Team) -> None:
    record = ("questions", "1.001022")
    with transaction(team.engine) as session:
        row = take_away(session, record, LAN, TODAY)
        submit(session, team.published, [row.id], LAN, "không còn dùng nữa", NEW_YEAR, TODAY)
    team.approve([row.id])
    assert "1.001022" in load_catalogue(team.published.on(TODAY)).questions
    assert "1.001022" not in load_catalogue(team.published.on(NEW_YEAR)).questions


def test_a_gap_or_overlap_of_fees_is_told_with_its_place(team: Team) -> None:
    def overlap(data: Any) -> None:
        data["channels"][0]["fees"] = [
            {"amount": 5000, "what": "bản", "valid_to": "2027-01-31"},
            {"amount": 8000, "what": "bản", "valid_from": "2027-01-01"},
        ]

    with pytest.raises(EditRefused) as refused:
        team.submitted(overlap)
    (fault,) = refused.value.facts["faults"]
    assert fault.field == "channels[0].fees[1]" and "2027-01-01" in fault.message


def test_a_faulty_amount_is_one_fault_and_not_one_of_everything_around_it(team: Team) -> None:
    with pytest.raises(EditRefused) as refused:
        team.submitted(lambda data: data["channels"][0]["fees"][0].update(amount="khoảng 10 nghìn"))
    assert [fault.field for fault in refused.value.facts["faults"]] == ["channels[0].fees[0].amount"]


def test_a_record_and_the_text_it_rests_on_are_approved_together(team: Team) -> None:
    topic = _a_topic(team)

    def add_source(data: Any) -> None:
        data["rules"][0]["sources"].append("9/2026/NQ-HĐND")

    with pytest.raises(EditRefused, match="9/2026"):
        team.submitted(add_source, topic)
    with transaction(team.engine) as session:
        text = draft(session, ("official_text", "9/2026/NQ-HĐND"), LAN, TODAY, {"title": "Nghị quyết 9"})
        submit(session, team.published, [text.id], LAN, WHY, None, TODAY)
    with transaction(team.engine) as session:
        row = draft(session, topic, LAN, TODAY)
        data = deepcopy(row.data)
        add_source(data)
        save(session, row.id, row.version, row.data, data, LAN)
        submit(session, team.published, [row.id], LAN, WHY, None, TODAY)
    with pytest.raises(EditRefused, match="9/2026"):
        team.approve([row.id])
    team.approve([row.id, text.id])
    assert "9/2026/NQ-HĐND" in load_catalogue(team.published.on(TODAY)).topics[topic[1]].rules[0].sources


@pytest.mark.parametrize(
    ("why", "day", "reason"), [("  ", None, "why"), (WHY, TODAY - timedelta(days=1), "past")]
)
def test_handing_in_needs_a_reason_and_a_day_to_come(
    team: Team, session: Session, why: str, day: date | None, reason: str
) -> None:
    row = draft(session, BIRTH, LAN, TODAY)
    with pytest.raises(EditRefused) as refused:
        submit(session, team.published, [row.id], LAN, why, day, TODAY)
    assert refused.value.reason == reason


def test_a_reviewer_gives_back_with_a_remark_and_an_author_without(team: Team) -> None:
    number = team.submitted(_name("Ghi tên trẻ"))
    with transaction(team.engine) as session:
        with pytest.raises(EditRefused):
            give_back(session, number, MINH, " ")
        assert give_back(session, number, MINH, "Thiếu căn cứ").remark == "Thiếu căn cứ"
        submit(session, team.published, [number], LAN, WHY, None, TODAY)
        assert give_back(session, number, LAN, "").state == "draft"


def test_a_draft_under_review_is_not_changed(team: Team) -> None:
    number = team.submitted(_name("Ghi tên trẻ"))
    with pytest.raises(EditRefused) as refused, transaction(team.engine) as session:
        save(session, number, 2, {}, {}, LAN)
    assert refused.value.reason == "not_so"


def test_an_unknown_record_is_not_drafted_without_data(session: Session) -> None:
    with pytest.raises(EditRefused) as refused:
        draft(session, ("topic", "khong-co"), LAN, TODAY)
    assert refused.value.reason == "unknown"


@pytest.mark.parametrize("key", ["", "x" * 121])
def test_a_key_that_no_table_holds_is_refused(session: Session, key: str) -> None:
    with pytest.raises(EditRefused) as refused:
        draft(session, ("topic", key), LAN, TODAY, {"id": key})
    assert refused.value.reason == "key"


@pytest.mark.parametrize("key", ["../../evil", "Ask Fee", "ask.fee"])
def test_examples_are_kept_under_an_intents_name_only(team: Team, session: Session, key: str) -> None:
    row = draft(session, ("examples", key), LAN, TODAY, ["câu mẫu"])
    with pytest.raises(EditRefused) as refused:
        submit(session, team.published, [row.id], LAN, WHY, None, TODAY)
    assert refused.value.reason == "faulty"


def test_a_change_is_checked_on_every_day_that_something_is_scheduled_for(team: Team) -> None:
    text: Key = ("official_text", "9/2026/NQ-HĐND")
    with transaction(team.engine) as session:
        row = draft(session, text, LAN, TODAY, {"title": "Nghị quyết 9"})
        submit(session, team.published, [row.id], LAN, WHY, None, TODAY)
    team.approve([row.id])
    with transaction(team.engine) as session:
        row = take_away(session, text, LAN, TODAY)
        submit(session, team.published, [row.id], LAN, "văn bản hết hiệu lực", NEW_YEAR, TODAY)
    team.approve([row.id])
    topic = _a_topic(team)
    number = team.submitted(lambda data: data["rules"][0]["sources"].append(text[1]), topic)
    with pytest.raises(EditRefused, match="9/2026"):
        team.approve([number])


def test_what_search_needs_is_checked_and_cannot_be_taken_away(team: Team, session: Session) -> None:
    words: Key = ("table", "search_words")
    with pytest.raises(EditRefused) as refused:
        take_away(session, words, LAN, TODAY)
    assert refused.value.reason == "needed"
    row = draft(session, words, LAN, TODAY)
    row.data = {"short_forms": {}}
    with pytest.raises(EditRefused, match="question_words"):
        submit(session, team.published, [row.id], LAN, WHY, None, TODAY)
