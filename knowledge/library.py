"""The library: the catalogue with its search indexes, as actions and channels use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Thread

import structlog
from sqlalchemy import Engine

from knowledge import revisions
from knowledge.catalogue import Catalogue
from knowledge.catalogue_files import load_catalogue
from knowledge.content_files import CONTENT, ContentError, Folder, Source, YamlFile, read_record
from knowledge.database import DatabaseUnavailable
from knowledge.merging import Procedures
from knowledge.portal_files import NAME
from knowledge.portal_records import COLUMNS
from knowledge.ranking import Named, Ranking
from knowledge.records import Procedure, SearchWordsFile
from knowledge.search import CLEAR, Hit, NameIndex, SearchWords, procedure_codes

log = structlog.get_logger()
CACHE = Path(__file__).parents[1] / ".cache" / "search"
_MOST_RESULTS = 300  # characters: what stands behind is the page's furniture


Texts = Callable[[], Iterator[tuple[str, str]]]  # of each procedure what can be searched, by code


class Library:
    """Everything known, with the ways to find it."""

    def __init__(
        self,
        catalogue: Catalogue,
        search_words: SearchWords,
        ranking: Ranking,
        texts: Texts,
    ) -> None:
        """Take the records, the words that search treats apart, the ranking, and the texts it ranks by."""
        self.catalogue = catalogue
        self.search_words = search_words
        self.ranking = ranking
        self.texts = texts
        self._not_covered = frozenset(search_words.not_covered)
        self._all_names = NameIndex(
            {key: (one.name, *one.aliases) for key, one in _named(catalogue).items()}
            | {name: (name,) for name in self._not_covered},
            search_words,
        )
        self._life_events = NameIndex(
            {event.id: (event.title, *event.aliases) for event in catalogue.life_events.values()},
            search_words,
        )
        # A turn looks at the same sentence several times.
        self._ranked = lru_cache(maxsize=1024)(lambda words: tuple(ranking.rank(words)))
        self._topics: dict[tuple[str | None, str], NameIndex[str]] = {}

    def renewed(
        self, catalogue: Catalogue, search_words: SearchWords, stamp: str, texts: Texts
    ) -> Library | None:
        """Give a library of changed records that are named and asked for as before; ``None`` for others."""
        same = ("questions", "life_events", "facets")
        if self.search_words != search_words or _named(self.catalogue) != _named(catalogue):
            return None
        if any(getattr(self.catalogue, name) != getattr(catalogue, name) for name in same):
            return None
        other = self.with_records(catalogue)
        other.texts = texts
        other.ranking.put_off(texts, stamp)
        return other

    def with_records(self, catalogue: Catalogue) -> Library:
        """Give the same library with other records, found as before: to look at them, not to search them."""
        other = copy(self)
        other.catalogue, other._topics = catalogue, {}
        return other

    def find_procedures(self, words: str) -> list[Hit[str]]:
        """Rank the procedures that these words may mean, by code, best first; a code in them leads."""
        named = [Hit(code, 1.0) for code in procedure_codes(words) if code in self.catalogue.procedures]
        return [*named, *(hit for hit in self._ranked(words) if hit.key not in {one.key for one in named})]

    def learn(self) -> None:
        """Read the texts and questions that were put off; what was found before is looked for anew."""
        self.ranking.learn()
        self._ranked.cache_clear()

    def is_not_covered(self, words: str) -> bool:
        """Tell whether these words rather name something that the catalogue is known not to have."""
        hits = self._all_names.search(words, limit=1)
        return bool(hits) and hits[0].key in self._not_covered and hits[0].score >= CLEAR

    def find_life_events(self, words: str) -> list[Hit[str]]:
        """Rank the life events that these words may tell of, by id, best first."""
        return self._life_events.search(words)

    def find_topics(self, intent: str | None, province: str, words: str) -> list[Hit[str]]:
        """Rank the topics of an intent (None: of any), for this province, that these words may mean."""
        key = (intent, province)
        if key not in self._topics:
            topics = self.catalogue.topics_for(intent, province)
            self._topics[key] = NameIndex(
                {topic.id: (topic.title, *topic.aliases) for topic in topics}, self.search_words
            )
        return self._topics[key].search(words)


class Shelf:
    """Holds the library, and replaces it once its database or files have changed."""

    def __init__(self, open_now: Callable[[Library | None], Library], stamp: Callable[[], str]) -> None:
        """Take what opens a library, given the one before, and what tells whether anything changed."""
        self._open, self._stamp = open_now, stamp
        self._state = stamp()
        self._library = open_now(None)
        self._learner = Thread()

    def library(self) -> Library:
        """Give the newest library that is ready."""
        return self._library

    def look(self) -> None:
        """Look for a change, and open the library anew if there is one; what is faulty changes nothing."""
        try:
            state = self._stamp()
            if state != self._state:
                self._library = self._open(self._library)
        except (DatabaseUnavailable, OSError) as error:
            log.warning("knowledge_not_looked_at", error=str(error))
            return
        except ContentError as error:
            log.error("knowledge_not_renewed", faults=str(error))
        self._state = state
        self._learn()

    def _learn(self) -> None:
        """Learn from changed questions beside all else; it takes longer than a change may wait."""
        library = self._library
        if library.ranking.has_to_learn and not self._learner.is_alive():
            self._learner = Thread(target=library.learn, daemon=True)
            self._learner.start()

    def wait(self) -> None:
        """Wait until what is being learned is learned."""
        if self._learner.ident:
            self._learner.join()


def open_library(
    content: Path | Source = CONTENT,
    engine: Engine | None = None,
    *,
    lenient: bool = False,
    cache: Path = CACHE,
    at_once: bool = False,
    before: Library | None = None,
) -> Library:
    """Load content and what was imported; raises ContentError unless ``lenient``.

    ``at_once``: do with what was learned from older questions until ``Library.learn`` is called. ``before``:
    the library that this one replaces, whose indexes are kept when all is named and asked for as before.
    """
    source = Folder(content) if isinstance(content, Path) else content
    catalogue = load_catalogue(source, lenient=lenient)
    digests: dict[str, str] = {}
    if engine is not None:
        imported = revisions.current_names(engine)
        digests = {code: digest for code, (digest, _) in imported.items()}
        catalogue = _beside_imported(catalogue, engine, imported)
    search_words = _read_search_words(source.open("search_words.yml"))
    named = _named(catalogue)
    stamp = repr([sorted(digests.items()), source.mark("procedures")])

    def texts() -> Iterator[tuple[str, str]]:
        return _texts(catalogue, engine)

    if before and (renewed := before.renewed(catalogue, search_words, stamp, texts)):
        return renewed
    ranking = Ranking(
        named,
        texts,
        stamp,
        search_words,
        cache,
        catalogue.questions,
        at_once=at_once,
    )
    return Library(catalogue, search_words, ranking, texts)


def with_imported(catalogue: Catalogue, engine: Engine) -> Catalogue:
    """Put what was imported beside the written procedures."""
    return _beside_imported(catalogue, engine, revisions.current_names(engine))


def _beside_imported(catalogue: Catalogue, engine: Engine, imported: dict[str, tuple[str, str]]) -> Catalogue:
    names = {code: name for code, (_, name) in imported.items()}
    procedures = Procedures(
        catalogue.procedures.written, names, lambda code, day: revisions.facts_on(engine, code, day)
    )
    return replace(catalogue, procedures=procedures)


def _named(catalogue: Catalogue) -> dict[str, Named]:
    written = catalogue.procedures.written
    return {
        code: Named(name, (written[code].title, *written[code].aliases)) if code in written else Named(name)
        for code, name in sorted(catalogue.procedures.names().items())  # the kept index counts on the order
    }


def _texts(catalogue: Catalogue, engine: Engine | None) -> Iterator[tuple[str, str]]:
    """Yield what can be searched of each procedure: the portal's columns, or the written record."""
    if engine is not None:
        for code, columns in revisions.current_columns(engine):
            searched = [columns.get(column, "") for column in COLUMNS.values()]
            results = columns.get(COLUMNS["results"], "")[:_MOST_RESULTS]
            yield code, " ".join((columns.get(NAME, ""), results, *searched))
    for code, record in catalogue.procedures.written.items():
        yield code, _written_text(record)


def _written_text(record: Procedure) -> str:
    facts = record.model_dump(
        include={"name", "summary", "conditions", "cases", "steps", "channels", "results", "remarks"}
    )
    return " ".join(_strings(facts))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _strings(item)


def _read_search_words(file: YamlFile) -> SearchWords:
    record = read_record(SearchWordsFile, file)
    spoken = frozenset(word for line in record.question_words for word in line.split())
    return SearchWords(record.short_forms, spoken, record.not_covered, record.meanings, record.asked_of_any)
