"""The desk: one answer from several sources, details only against proof, guessing that leads nowhere."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from limits import parse
from sqlalchemy import Engine, func, select, text
from structlog.testing import capture_logs

from knowledge.database import now, transaction
from knowledge.dossiers import (
    Desk,
    Dossier,
    Limits,
    LookUp,
    Marks,
    Refusal,
    Seeker,
    SourceDown,
    State,
    Wanted,
)
from knowledge.dossiers.desk import BEAT
from knowledge.dossiers.dossier import HERE, Supplement
from knowledge.dossiers.guesses import Bucket, LookUpAudit
from knowledge.dossiers.states import DossierState, keep_states, read_states
from knowledge.library import Library
from tests.conftest import ROOT, dossier_settings, wait_until
from tests.servers.one_stop import MadeUp, OneStop

MARKS = Marks("a key of the tests")
OPEN = Limits(*(parse("1000000/hour") for _ in range(4)))
ME = Seeker("telegram", "42")
CODE = "H62.12-261101-0001"


@dataclass
class Told:
    """A source that says what the test wants."""

    name: str
    answer: Callable[[], State | None]
    asked: int = 0

    def find(self, code: str) -> State | None:
        self.asked += 1
        return self.answer()


def _dossier(status: int = 4, code: str = CODE, **fields: object) -> Dossier:
    return Dossier(code=code, procedure="Đăng ký kết hôn", status=status, **fields)  # type: ignore[arg-type]


def _state(source: str = "national", status: int = 4, phone: str = "0912345678", **fields: object) -> State:
    dossier = _dossier(status, **fields)
    mark = MARKS.of_factor(dossier.code, phone)
    return State(dossier, source, now(), (mark,) if mark else ())


def _down() -> State | None:
    raise SourceDown("national: HTTP 503")


@pytest.fixture
def desk(one_stop: OneStop, any_engine: Engine, library: Library) -> Desk:
    """A desk before the reference server, with both of its APIs."""
    from knowledge.dossiers import open_desk

    settings = dossier_settings(one_stop.url, look_ups_per_person="1000/hour")
    return open_desk(settings, any_engine, lambda: library.catalogue.status_names)


def _some(server: OneStop, status: int) -> MadeUp:
    return next(each for each in server.dossiers.values() if each.status == status)


def test_by_code_alone_no_details_are_told(desk: Desk, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 5)
    found = desk.look_up(ME, Wanted(made_up.code))
    assert found.outcome == "found" and found.dossier.status == 5
    assert found.dossier.appointed == made_up.appointed
    assert found.dossier.fees == () and [each.text for each in found.dossier.supplements] == [""]
    assert found.state is not None and found.state.factors == ()


@pytest.mark.parametrize("what", ["phone", "identity"])
def test_with_proof_the_details_are_told(desk: Desk, one_stop: OneStop, what: str) -> None:
    made_up = _some(one_stop, 5)
    found = desk.look_up(ME, Wanted(made_up.code, str(getattr(made_up, what))[-4:]))
    assert found.outcome == "proven"
    assert "Giấy chứng sinh" in found.dossier.supplements[0].text


def test_a_wrong_code_and_a_wrong_proof_give_the_same_answer(desk: Desk, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 5)
    wrong_proof = desk.look_up(ME, Wanted(made_up.code, "0000"))
    wrong_code = desk.look_up(ME, Wanted(CODE, made_up.phone[-4:]))
    assert wrong_proof == replace(wrong_code, code=made_up.code)
    assert (wrong_proof.outcome, wrong_proof.state) == ("no_match", None)


def test_with_the_source_down_a_wrong_proof_tells_nothing_of_what_is_known(
    desk: Desk, one_stop: OneStop
) -> None:
    made_up = _some(one_stop, 5)
    desk.look_up(ME, Wanted(made_up.code))
    one_stop.set_fault("error")
    wrong_proof = desk.look_up(ME, Wanted(made_up.code, "0000"))
    wrong_code = desk.look_up(ME, Wanted(CODE, "0000"))
    assert wrong_proof.outcome == wrong_code.outcome == "unavailable"
    right = desk.look_up(ME, Wanted(made_up.code, made_up.phone[-4:]))
    assert right.outcome == "proven" and not right.is_fresh


def test_a_failed_proof_is_answered_on_the_beat(any_engine: Engine) -> None:
    desk = Desk(any_engine, [Told("national", lambda: None)], MARKS, OPEN)
    started = time.monotonic()
    assert desk.look_up(ME, Wanted(CODE, "1234")).outcome == "no_match"
    assert time.monotonic() - started >= BEAT


def test_a_state_of_a_moment_ago_is_told_without_asking_again(desk: Desk, one_stop: OneStop) -> None:
    made_up = _some(one_stop, 4)
    first, second = (desk.look_up(ME, Wanted(made_up.code)) for _ in range(2))
    assert one_stop.asked == [made_up.code] * 2  # each API once
    assert first.state == second.state and second.is_fresh


def test_with_every_source_down_the_last_known_state_is_told_with_its_time(
    desk: Desk, one_stop: OneStop, any_engine: Engine
) -> None:
    made_up = _some(one_stop, 4)
    desk.look_up(ME, Wanted(made_up.code))
    long_ago = now() - timedelta(hours=3)
    with transaction(any_engine) as session:
        for row in session.scalars(select(DossierState)):
            row.as_of = long_ago
    one_stop.set_fault("error")
    found = desk.look_up(ME, Wanted(made_up.code))
    assert found.outcome == "found" and not found.is_fresh
    assert found.state is not None and found.state.as_of == long_ago
    assert desk.look_up(ME, Wanted(CODE)).outcome == "unavailable"


def test_one_source_that_fails_does_not_hide_the_other(any_engine: Engine) -> None:
    other = Told("one_stop", lambda: _state("one_stop", 9))
    desk = Desk(any_engine, [Told("national", _down), other], MARKS, OPEN)
    found = desk.look_up(ME, Wanted(CODE))
    assert found.outcome == "found" and found.dossier.status == 9
    none = Desk(any_engine, [Told("national", _down), Told("one_stop", lambda: None)], MARKS, OPEN)
    assert none.look_up(ME, Wanted("H62.12-261101-0002")).outcome == "unavailable"


def test_the_freshest_source_wins_and_the_disagreement_is_logged_without_the_code(any_engine: Engine) -> None:
    old = replace(_state("files", 9), as_of=now() - timedelta(days=1))
    with transaction(any_engine) as session:
        keep_states(session, [old])
    desk = Desk(any_engine, [Told("national", lambda: _state("national", 5))], MARKS, OPEN)
    with capture_logs() as logs:
        found = desk.look_up(ME, Wanted(CODE))
    assert found.dossier.status == 5
    (line,) = [line for line in logs if line["event"] == "dossier_sources_disagree"]
    assert line["statuses"] == {"national": 5, "files": 9} and line["taken"] == "national"
    assert CODE not in str(logs)


def test_a_fresher_file_wins_over_a_live_source_that_is_down(any_engine: Engine) -> None:
    with transaction(any_engine) as session:
        keep_states(session, [replace(_state("national", 4), as_of=now() - timedelta(days=2))])
        keep_states(session, [replace(_state("files", 9), as_of=now() - timedelta(hours=1))])
    desk = Desk(any_engine, [Told("national", _down)], MARKS, OPEN)
    assert desk.look_up(ME, Wanted(CODE)).dossier.status == 9


def test_of_two_that_answer_together_the_one_that_saw_the_last_event_wins(any_engine: Engine) -> None:
    early, late = (datetime(2026, 11, day, 9, tzinfo=HERE) for day in (2, 5))
    behind = Told("national", lambda: _state("national", 4, received=early))
    ahead = Told("one_stop", lambda: _state("one_stop", 9, received=early, finished=late))
    for sources in ([behind, ahead], [ahead, behind]):
        desk = Desk(any_engine, sources, MARKS, OPEN, fresh=timedelta())
        assert desk.look_up(ME, Wanted(CODE)).dossier.status == 9


def test_a_lying_clock_of_a_source_does_not_make_it_the_freshest(any_engine: Engine) -> None:
    to_come = datetime.now(HERE) + timedelta(days=30)
    lying = Told("national", lambda: _state("national", 4, received=to_come))
    right = Told("one_stop", lambda: _state("one_stop", 9, finished=datetime(2026, 11, 5, 9, tzinfo=HERE)))
    desk = Desk(any_engine, [lying, right], MARKS, OPEN)
    assert desk.look_up(ME, Wanted(CODE)).dossier.status == 9


def test_what_one_source_leaves_out_is_filled_from_the_other(any_engine: Engine) -> None:
    asked = Supplement(text="Thiếu tờ khai", requested_at=datetime(2026, 11, 5, 9, tzinfo=HERE))
    thin = Told("one_stop", lambda: _state("one_stop", 5, phone="0912340000"))
    full = Told("national", lambda: _state("national", 5, supplements=(asked,), agency="UBND xã"))
    desk = Desk(any_engine, [thin, full], MARKS, OPEN)
    for factor in ("0000", "5678"):
        found = desk.look_up(ME, Wanted(CODE, factor))
        assert found.outcome == "proven"
        assert (found.dossier.supplements, found.dossier.agency) == ((asked,), "UBND xã")


def test_an_older_state_never_replaces_a_newer_one(any_engine: Engine) -> None:
    newer, older = _state(status=9), replace(_state(status=4), as_of=now() - timedelta(hours=1))
    with transaction(any_engine) as session:
        keep_states(session, [newer])
        keep_states(session, [older])
        assert [state.dossier.status for state in read_states(session, CODE)] == [9]


def _audit(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return list(session.scalars(select(LookUpAudit.outcome).order_by(LookUpAudit.id)))


def test_every_look_up_leaves_a_line_without_a_code_a_person_or_a_number(
    desk: Desk, one_stop: OneStop, any_engine: Engine
) -> None:
    made_up = _some(one_stop, 4)
    desk.look_up(ME, Wanted(made_up.code))
    desk.look_up(ME, Wanted(made_up.code, made_up.phone[-4:]))
    desk.look_up(ME, Wanted(made_up.code, "0000"))
    desk.look_up(ME, Wanted(CODE))
    assert _audit(any_engine) == ["found", "proven", "no_match", "not_found"]
    with any_engine.connect() as connection:
        kept = [
            str(row)
            for table in ("look_up_audit", "look_up_buckets")
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
        ]
    for secret in (made_up.code, CODE, made_up.phone, made_up.phone[-4:] + "'", "'42'", "telegram 42"):
        assert not any(secret in row for row in kept), secret


def test_nothing_personal_is_kept_with_a_state(desk: Desk, one_stop: OneStop, any_engine: Engine) -> None:
    made_up = _some(one_stop, 5)
    desk.look_up(ME, Wanted(made_up.code, made_up.phone[-4:]))
    with any_engine.connect() as connection:
        rows = str(connection.execute(text("SELECT * FROM dossier_states")).all())
    for secret in ("Demo", made_up.phone, made_up.identity, f"'{made_up.phone[-4:]}'"):
        assert secret not in rows


def _guessing_desk(engine: Engine, rates: str, notes: list[Refusal] | None = None) -> Desk:
    person, network, channel, overall = map(parse, rates.split())
    limits = Limits(person, network, channel, overall)
    tell = notes.append if notes is not None else lambda _: None
    return Desk(engine, [Told("national", lambda: None)], MARKS, limits, tell_staff=tell)


def _codes() -> Iterator[str]:
    return (f"H62.12-261101-{number:05d}" for number in itertools.count())


def _outcomes(desk: Desk, seeker: Seeker, number: int, codes: Iterator[str]) -> list[str]:
    return [desk.look_up(seeker, Wanted(next(codes))).outcome for _ in range(number)]


def test_one_person_is_let_through_ten_times_and_then_paused(any_engine: Engine) -> None:
    desk, codes = _guessing_desk(any_engine, "10/hour 1000/hour 1000/hour 1000/hour"), _codes()
    assert _outcomes(desk, ME, 13, codes) == ["not_found"] * 10 + ["throttled"] * 3
    assert _outcomes(desk, Seeker("telegram", "43"), 1, codes) == ["not_found"]
    last = desk.look_up(ME, Wanted(CODE))
    assert timedelta(seconds=50) < last.wait <= timedelta(minutes=1)


def test_the_pause_doubles_each_time_and_starts_small_again_after_a_day(any_engine: Engine) -> None:
    desk, codes = _guessing_desk(any_engine, "1/hour 1000/hour 1000/hour 1000/hour"), _codes()

    def pause_is_over(after: timedelta = timedelta()) -> None:
        with transaction(any_engine) as session:
            for bucket in session.scalars(select(Bucket).where(Bucket.name.startswith("person"))):
                bucket.closed_until = bucket.since = now() - after

    waits = []
    for _ in range(4):
        _outcomes(desk, ME, 1, codes)
        waits.append(round(desk.look_up(ME, Wanted(next(codes))).wait.total_seconds()))
        pause_is_over()
    assert waits == [60, 120, 240, 480]
    pause_is_over(after=timedelta(days=1, minutes=1))
    _outcomes(desk, ME, 1, codes)
    assert round(desk.look_up(ME, Wanted(next(codes))).wait.total_seconds()) == 60


@pytest.mark.parametrize(
    ("rates", "kind"),
    [
        ("100/hour 3/hour 100/hour 100/hour", "network"),
        ("100/hour 100/hour 3/hour 100/hour", "channel"),
        ("100/hour 100/hour 100/hour 3/hour", "all"),
    ],
)
def test_many_persons_together_are_paused_too_and_staff_are_told_once(
    any_engine: Engine, rates: str, kind: str
) -> None:
    notes: list[Refusal] = []
    desk, codes = _guessing_desk(any_engine, rates, notes), _codes()
    outcomes = [_outcomes(desk, Seeker("web", str(n), "10.0.0.1"), 1, codes)[0] for n in range(6)]
    assert outcomes == ["not_found"] * 3 + ["throttled"] * 3
    assert [note.bucket.partition(":")[0] for note in notes] == [kind]


def test_ones_own_dossier_can_be_looked_up_as_often_as_one_likes(any_engine: Engine) -> None:
    rates = [parse("2/hour")] * 4
    desk = Desk(any_engine, [Told("national", _state)], MARKS, Limits(*rates), fresh=timedelta())
    assert [desk.look_up(ME, Wanted(CODE)).outcome for _ in range(6)] == ["found"] * 6
    assert [desk.look_up(ME, Wanted(CODE, "5678")).outcome for _ in range(6)] == ["proven"] * 6


def test_even_while_all_are_paused_a_followed_dossier_is_told(any_engine: Engine) -> None:
    desk = _guessing_desk(any_engine, "9/hour 9/hour 9/hour 1/hour")
    codes = _codes()
    assert _outcomes(desk, ME, 2, codes) == ["not_found", "throttled"]
    with transaction(any_engine) as session:
        keep_states(session, [_state()])
    assert desk.look_up(ME, Wanted(CODE, is_known_theirs=True)).outcome == "proven"


def test_finding_one_code_after_the_other_is_guessing_too(any_engine: Engine) -> None:
    codes = _codes()
    limits = Limits(parse("5/hour"), *(parse("1000/hour") for _ in range(3)))
    desk = Desk(any_engine, [Told("national", lambda: None)], MARKS, limits)
    known = [f"H62.12-261101-{number:05d}" for number in range(8)]
    with transaction(any_engine) as session:
        keep_states(session, [_state("files", code=code) for code in known])
    assert _outcomes(desk, ME, 8, codes) == ["found"] * 5 + ["throttled"] * 3


def test_a_hundred_guesses_at_the_same_instant_are_counted_one_by_one(any_engine: Engine) -> None:
    desk = _guessing_desk(any_engine, "10/hour 1000/hour 1000/hour 1000/hour")
    start = threading.Barrier(20)
    codes = list(itertools.islice(_codes(), 100))

    def guess(some: list[str]) -> list[LookUp]:
        start.wait()
        return [desk.look_up(ME, Wanted(code)) for code in some]

    with ThreadPoolExecutor(20) as pool:
        found = [each for some in pool.map(guess, [codes[n::20] for n in range(20)]) for each in some]
    assert sum(each.outcome == "not_found" for each in found) == 10
    assert sum(each.outcome == "throttled" for each in found) == 90


GUESSER = """
import sys
import structlog
from limits import parse
from knowledge.database import open_database
from knowledge.dossiers import Desk, Limits, Marks, Seeker, Wanted
desk = Desk(open_database(sys.argv[1]), [], Marks("a key of the tests"),
            Limits(*(parse(rate) for rate in ("10/hour", "100/hour", "1000/hour", "1000/hour"))))
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    guess = Wanted(f"H62.12-261101-{number:05d}", f"{number % 10000:04d}" if number % 10 == 1 else None)
    found = desk.look_up(Seeker("web", str(number), "10.0.0.9"), guess)
    print(found.outcome, bool(found.state and (found.dossier.fees or found.dossier.steps)))
"""


def test_guesses_in_two_processes_yield_no_detail_and_are_counted_together(any_engine: Engine) -> None:
    """A thousand here, ten thousand in the bench."""
    guess_in_two_processes(any_engine, 1000)


def guess_in_two_processes(engine: Engine, number: int) -> None:
    """Guess, each time from a new conversation of one network address, so that only shared counts help."""
    with transaction(engine) as session:
        keep_states(session, [_state("files", code=f"H62.12-261101-{n:05d}") for n in range(0, number, 7)])
    url = engine.url.render_as_string(hide_password=False)
    guessers = [
        subprocess.Popen(
            [sys.executable, "-c", GUESSER, url, str(first), str(number // 2)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for first in (0, number // 2)
    ]
    for guesser in guessers:
        assert guesser.stdout and guesser.stdout.readline() == "ready\n"
    told = [line for guesser in guessers for line in guesser.communicate("go\n")[0].splitlines()]
    assert len(told) == number
    outcomes = [line.split()[0] for line in told]
    assert not any(line.endswith("True") for line in told) and "proven" not in outcomes
    assert sum(outcome != "throttled" for outcome in outcomes) == 100
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(LookUpAudit)) == number


def test_a_desk_in_use_does_not_wait_for_a_slow_source_with_a_transaction_open(any_engine: Engine) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> State | None:
        asked.set()
        go_on.wait(20)
        return _state()

    desk = Desk(any_engine, [Told("national", slow)], MARKS, OPEN)
    looking = desk.submit(ME, [Wanted(CODE)])
    wait_until(asked.is_set, "the question to the source")
    with transaction(any_engine) as session:  # SQLite has one writer: this would wait
        session.add(LookUpAudit(channel="web", person="x", code="y", outcome="found"))
    go_on.set()
    assert looking[0].result(20).outcome == "found"


def test_proofs_tried_while_the_source_is_down_are_counted(any_engine: Engine) -> None:
    with transaction(any_engine) as session:
        keep_states(session, [_state("national")])
    limits = Limits(parse("3/hour"), *(parse("1000/hour") for _ in range(3)))
    desk = Desk(any_engine, [Told("national", _down)], MARKS, limits, fresh=timedelta())
    outcomes = [desk.look_up(ME, Wanted(CODE, f"{n:04d}")).outcome for n in range(5)]
    assert outcomes == ["unavailable"] * 3 + ["throttled"] * 2


def test_the_proof_of_one_dossier_cannot_be_tried_by_many_together(any_engine: Engine) -> None:
    desk = Desk(any_engine, [Told("national", _state)], MARKS, OPEN)
    people = [Seeker("web", str(number), f"10.0.{number}.1") for number in range(22)]
    with ThreadPoolExecutor(5) as pool:
        tries = [pool.submit(desk.look_up, each, Wanted(CODE, "0000")) for each in people[:20]]
        assert {each.result().outcome for each in tries} == {"no_match"}
    assert desk.look_up(people[20], Wanted(CODE, "5678")).outcome == "throttled"
    assert desk.look_up(people[20], Wanted(CODE)).outcome == "found"
    assert desk.look_up(people[21], Wanted("H62.12-261101-0777", "5678")).outcome == "no_match"


def test_addresses_of_one_household_count_as_one(any_engine: Engine) -> None:
    desk, codes = _guessing_desk(any_engine, "100/hour 3/hour 100/hour 100/hour"), _codes()
    outcomes = [_outcomes(desk, Seeker("web", str(n), f"2001:db8:1:2::{n:x}"), 1, codes)[0] for n in range(5)]
    assert outcomes == ["not_found"] * 3 + ["throttled"] * 2


def test_a_source_that_fails_in_a_way_of_its_own_is_a_source_that_is_down(any_engine: Engine) -> None:
    def broken() -> State | None:
        raise OverflowError("Nguyễn Văn A")

    desk = Desk(any_engine, [Told("national", broken)], MARKS, OPEN)
    with capture_logs() as logs:
        assert desk.look_up(ME, Wanted(CODE)).outcome == "unavailable"
    assert "Nguyễn" not in str(logs)
