"""The library: the catalogue with its search indexes, as actions and channels use it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from knowledge.catalogue import Catalogue, load_catalogue
from knowledge.content_files import CONTENT, read_record, read_yaml
from knowledge.records import Record
from knowledge.search import CLEAR, Hit, NameIndex, SearchWords


class _SearchWordsFile(Record):
    short_forms: dict[str, str]
    question_words: tuple[str, ...]
    not_covered: tuple[str, ...]


class Library:
    """Everything known, with the ways to find it."""

    def __init__(self, catalogue: Catalogue, search_words: SearchWords) -> None:
        self.catalogue = catalogue
        self._search_words = search_words
        names: dict[str, tuple[str, ...]] = {
            code: (record.name, record.title, *record.aliases)
            for code, record in catalogue.procedures.items()
        }
        self._procedures = NameIndex(names, search_words)
        self._not_covered = frozenset(search_words.not_covered)
        self._all_names = NameIndex(names | {name: (name,) for name in self._not_covered}, search_words)
        # A turn looks at the same sentence several times.
        self._ranked = lru_cache(maxsize=1024)(lambda words: tuple(self._procedures.search(words)))
        self._topics: dict[tuple[str | None, str], NameIndex[str]] = {}

    def find_procedures(self, words: str) -> list[Hit[str]]:
        """Rank the procedures that these words may mean, by code, best first."""
        return list(self._ranked(words))

    def is_not_covered(self, words: str) -> bool:
        """Tell whether these words rather name something that the catalogue is known not to have."""
        hits = self._all_names.search(words, limit=1)
        return bool(hits) and hits[0].key in self._not_covered and hits[0].score >= CLEAR

    def find_topics(self, intent: str | None, province: str, words: str) -> list[Hit[str]]:
        """Rank the topics of an intent (None: of any), for this province, that these words may mean."""
        key = (intent, province)
        if key not in self._topics:
            topics = self.catalogue.topics_for(intent, province)
            self._topics[key] = NameIndex(
                {topic.id: (topic.title, *topic.aliases) for topic in topics}, self._search_words
            )
        return self._topics[key].search(words)


def open_library(folder: Path = CONTENT, *, lenient: bool = False) -> Library:
    """Load the content folder; raises ContentError unless ``lenient``."""
    return Library(load_catalogue(folder, lenient=lenient), _read_search_words(folder / "search_words.yml"))


def _read_search_words(path: Path) -> SearchWords:
    record = read_record(_SearchWordsFile, read_yaml(path))
    spoken = frozenset(word for line in record.question_words for word in line.split())
    return SearchWords(record.short_forms, spoken, record.not_covered)
