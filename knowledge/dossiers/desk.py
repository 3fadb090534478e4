"""The desk: looks a dossier up in all sources, counts guesses, and gives details only against proof.

A look-up never holds a database transaction while it waits for a source.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Literal

import structlog
from limits import RateLimitItem, parse
from prometheus_client import Counter, Histogram
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from knowledge.database import now, reading, transaction
from knowledge.dossiers.dossier import Dossier, State
from knowledge.dossiers.gate import Gate
from knowledge.dossiers.guesses import Allowance, Refusal, count_wrong, give_back, has_seen, note, take
from knowledge.dossiers.marks import Marks
from knowledge.dossiers.sources import Source, SourceDown
from knowledge.dossiers.states import FILES, keep_states, read_states

log = structlog.get_logger()

AT_ONCE = 512  # look-ups that may wait for sources at the same time
BEAT = 0.5  # seconds: a look-up with proof that fails is answered on this beat, whatever was wrong with it
SAME_TIME = timedelta(seconds=10)  # states that are no further apart are equally fresh
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(days=1)
LONGEST_PAUSE_OF_ALL = timedelta(minutes=10)  # for a channel and overall, so that nobody can lock all out

WRONG_PROOFS = parse("20/hour")  # of one dossier, by all together

LOOK_UPS = Counter("dossier_look_ups", "Look-ups of dossiers", ["channel", "outcome"])
GUESSES = Counter("dossier_guessing_pauses", "Pauses that guessing of codes was answered with", ["kind"])
SECONDS = Histogram("dossier_look_up_seconds", "Time of a look-up with its sources")

Outcome = Literal[
    "found",  # without details
    "proven",  # with details
    "not_found",  # no source knows the code
    "no_match",  # code and proof do not belong together: which of them is wrong is not said
    "throttled",
    "unavailable",  # no source can be asked, and nothing is known from before
]


@dataclass(frozen=True)
class Wanted:
    """A dossier to look up, with what is to prove whose it is; ``is_known_theirs`` when that was proven."""

    code: str
    factor: str | None = None
    is_known_theirs: bool = False


@dataclass(frozen=True)
class Seeker:
    """Who looks up: the channel, the conversation, and the network address where there is no account."""

    channel: str
    person: str
    network: str | None = None


@dataclass(frozen=True)
class LookUp:
    """What came of a look-up; ``is_fresh`` unless it was told from what was known before."""

    code: str
    outcome: Outcome
    state: State | None = None
    is_fresh: bool = True
    wait: timedelta = timedelta()
    is_made_up: bool = False

    @property
    def dossier(self) -> Dossier:
        """The dossier that was found."""
        assert self.state is not None  # noqa: S101 - asked only of what was found
        return self.state.dossier


@dataclass(frozen=True)
class Sighting:
    """What is known of a dossier, whether every source that was asked answered, and what they told."""

    state: State | None
    all_answered: bool = True
    is_fresh: bool = True
    told: tuple[State, ...] = ()


@dataclass(frozen=True)
class Limits:
    """How many look-ups that may be guesses are let through."""

    person: RateLimitItem
    network: RateLimitItem
    channel: RateLimitItem
    overall: RateLimitItem


class Desk:
    """Looks dossiers up; safe to use from many threads."""

    def __init__(
        self,
        engine: Engine,
        sources: Sequence[Source],
        marks: Marks,
        limits: Limits,
        *,
        fresh: timedelta = timedelta(seconds=60),
        is_made_up: bool = False,
        tell_staff: Callable[[Refusal], None] = lambda _: None,
    ) -> None:
        self.sources = tuple(sources)
        self.marks = marks
        self.is_made_up = is_made_up  # a demonstration's data
        self.gate = Gate()
        self._engine = engine
        self._limits = limits
        self._fresh = fresh
        self._tell_staff = tell_staff
        self._waiting = ThreadPoolExecutor(AT_ONCE, "look-up")
        self._other_sources = ThreadPoolExecutor(AT_ONCE, "source")

    def submit(self, seeker: Seeker, wanted: Sequence[Wanted]) -> list[Future[LookUp]]:
        """Look each up in a thread of the desk's own, so that no other question waits."""
        return [self._waiting.submit(self.look_up, seeker, each) for each in wanted]

    def look_up(self, seeker: Seeker, wanted: Wanted) -> LookUp:
        """Look a dossier up; raises DatabaseUnavailable."""
        started = time.monotonic()
        with self.gate.after_others():
            refusal = None if wanted.is_known_theirs else self._take(seeker, wanted)
        if refusal:
            return LookUp(wanted.code, "throttled", wait=refusal.wait)
        sighting = self.find(wanted.code, anew=wanted.factor is not None)
        with self.gate.after_others():
            found = replace(self._judge(wanted, sighting), is_made_up=self.is_made_up)
            self._settle(seeker, wanted, found, sighting.told)
        LOOK_UPS.labels(seeker.channel, found.outcome).inc()
        elapsed = time.monotonic() - started
        SECONDS.observe(elapsed)
        if found.outcome == "no_match" or (wanted.factor and found.outcome == "unavailable"):
            time.sleep(math.ceil(elapsed / BEAT) * BEAT - elapsed)
        return found

    def find(self, code: str, *, anew: bool = False) -> Sighting:
        """See what is known of a dossier; with ``anew`` a state of a moment ago does not do.

        What sources told is not kept yet: whoever looks does that with the rest of its transaction.
        """
        with reading(self._engine) as session:
            known = read_states(session, code)
        recent = [state for state in known if state.source != FILES and now() - state.as_of < self._fresh]
        if recent and not anew:
            return Sighting(self._combine(known))
        told, silent = self._ask(code)
        combined = self._combine([*told, *known], silent)
        is_fresh = combined is not None and (
            combined.source == FILES or any(combined.source == state.source for state in told)
        )
        return Sighting(combined, not silent, is_fresh, tuple(told))

    def _ask(self, code: str) -> tuple[list[State], frozenset[str]]:
        """Ask every live source; tell which of them did not answer."""
        if not self.sources:
            return [], frozenset()
        first, *others = self.sources
        asked = [self._other_sources.submit(_ask_one, source, code) for source in others]
        answers = [_ask_one(first, code), *(future.result() for future in asked)]
        states = [answer for answer in answers if isinstance(answer, State)]
        pairs = zip(self.sources, answers, strict=True)
        return states, frozenset(source.name for source, answer in pairs if isinstance(answer, SourceDown))

    def _combine(self, states: Iterable[State], silent: frozenset[str] = frozenset()) -> State | None:
        """Give the freshest state, completed by the others; a disagreement is logged.

        What a source that is silent now last told is not put behind for that: else its news would be taken
        back, and told again when it answers.
        """
        newest_of: dict[str, State] = {}
        for state in states:
            known = newest_of.get(state.source)
            if known is None or state.as_of > known.as_of:
                newest_of[state.source] = state
        at = now()
        latest = max((state.as_of for state in newest_of.values()), default=at)

        def freshness(state: State) -> tuple[bool, object, object]:
            # Asked together: what happened last decides.
            is_level = latest - state.as_of <= SAME_TIME or state.source in silent
            return is_level, state.dossier.last_event(at) if is_level else state.as_of, state.as_of

        ordered = sorted(newest_of.values(), key=freshness, reverse=True)
        if not ordered:
            return None
        best = ordered[0]
        told = {state.source: state.dossier.status for state in ordered}
        if len(set(told.values())) > 1:
            log.warning(
                "dossier_sources_disagree",
                dossier=self.marks.of("code", best.dossier.code),
                statuses=told,
                taken=best.source,
            )
        dossier = best.dossier
        for other in ordered[1:]:
            dossier = dossier.completed_by(other.dossier)
        factors = tuple(dict.fromkeys(mark for state in ordered for mark in state.factors))
        return replace(best, dossier=dossier, factors=factors)

    def _judge(self, wanted: Wanted, sighting: Sighting) -> LookUp:
        """Decide what may be told; the proof is compared whether or not there is a dossier."""
        state, all_answered, is_fresh = sighting.state, sighting.all_answered, sighting.is_fresh
        code = wanted.code
        if wanted.factor is not None:
            proves = self.marks.proves(code, wanted.factor, state.factors if state else ())
            if state and proves:
                return LookUp(code, "proven", state, is_fresh)
            return LookUp(code, "no_match" if all_answered else "unavailable")
        if state is None:
            return LookUp(code, "not_found" if all_answered else "unavailable")
        if wanted.is_known_theirs:
            return LookUp(code, "proven", state, is_fresh)
        public = replace(state, dossier=state.dossier.without_details(), factors=())
        return LookUp(code, "found", public, is_fresh)

    def _take(self, seeker: Seeker, wanted: Wanted) -> Refusal | None:
        own, shared = self._allowances(seeker, wanted)
        while True:
            try:
                with transaction(self._engine) as session:
                    refusal = take(session, own, shared)
                    if refusal:
                        note(session, seeker.channel, *self._marks_of(seeker, wanted.code), "throttled")
                break
            except IntegrityError:  # two first look-ups of a bucket at the same instant
                continue
        if refusal and refusal.is_new:
            kind = refusal.bucket.partition(":")[0]
            GUESSES.labels(kind).inc()
            log.warning("dossier_guessing", kind=kind, pauses=refusal.pauses, pause=str(refusal.wait))
            self._tell_staff(refusal)
        return refusal

    def _allowances(self, seeker: Seeker, wanted: Wanted) -> tuple[list[Allowance], list[Allowance]]:
        """Give the buckets of this person, and those that are shared by all who ask the same way."""
        limits, own = self._limits, [("person", self.person_mark(seeker), self._limits.person)]
        if seeker.network:
            own.append(("network", self.marks.of("network", _household(seeker.network)), limits.network))
        shared = [(f"channel:{seeker.channel}", limits.channel), ("all", limits.overall)]
        if wanted.factor is not None:  # whoever proves, and whether or not there is such a dossier
            shared.append((f"proof:{self.marks.of('code', wanted.code)}", WRONG_PROOFS))
        return (
            [Allowance(f"{kind}:{mark}", limit, FIRST_PAUSE, LONGEST_PAUSE) for kind, mark, limit in own],
            [Allowance(name, limit, FIRST_PAUSE, LONGEST_PAUSE_OF_ALL) for name, limit in shared],
        )

    def person_mark(self, seeker: Seeker) -> str:
        """Give what stands for a person in counts and audits."""
        return self.marks.of("person", f"{seeker.channel} {seeker.person}")

    def _settle(self, seeker: Seeker, wanted: Wanted, found: LookUp, told: Sequence[State]) -> None:
        """Keep what sources told, write the audit line, and count or give back the look-up."""
        own, shared = self._allowances(seeker, wanted)
        with transaction(self._engine) as session:
            keep_states(session, told)
            is_wrong = wanted.factor is not None and found.outcome != "proven"  # also while a source is down
            if is_wrong or found.outcome == "not_found":
                count_wrong(session, shared)
            elif not wanted.is_known_theirs and (
                found.outcome != "found" or has_seen(session, *self._marks_of(seeker, wanted.code))
            ):
                give_back(session, own)
            note(session, seeker.channel, *self._marks_of(seeker, wanted.code), found.outcome)

    def _marks_of(self, seeker: Seeker, code: str) -> tuple[str, str]:
        return self.person_mark(seeker), self.marks.of("code", code)


def _household(network: str) -> str:
    """Give what one household or firm has of addresses: of IPv6 the first half."""
    try:
        address = ip_address(network)
    except ValueError:
        return network
    return network if address.version == 4 else str(ip_network((address, 64), strict=False))


def _ask_one(source: Source, code: str) -> State | SourceDown | None:
    try:
        return source.find(code)
    except SourceDown as error:
        log.warning("dossier_source_failed", source=source.name, error=str(error))
        return error
    except Exception as error:  # its words may hold what the source told
        log.error("dossier_source_failed", source=source.name, error=type(error).__name__)
        return SourceDown(f"{source.name}: {type(error).__name__}")
