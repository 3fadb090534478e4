"""Questions as many citizens would type them: a few very often, most once, none twice word for word."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from hashlib import sha1
from itertools import accumulate

import yaml

from knowledge.content_files import CONTENT
from knowledge.search import folded_words
from knowledge.typical_questions import OTHERS
from nlu.bench.noise import NOISES
from nlu.contract import ROOT
from nlu.data_files import read_examples, read_folder

PARTS = ("tuned on", "never looked at")
_DATA = ROOT / "nlu" / "data"
_BEFORE = (
    "",
    "",
    "",
    "cho em hỏi",
    "dạ",
    "ad ơi",
    "anh chị cho hỏi",
    "alo",
    "xin hỏi",
    "bác cán bộ ơi",
    "hi",
)
_AFTER = ("", "", "", "ạ", "vậy ạ", "với", "nhé", "ad", "em cảm ơn", "giúp em", "hả anh", "??", "!!!", "🙏")
_OFTEN = 10  # sentences that name a procedure, for measuring how its needs are told apart
_STEEPNESS = 0.7  # how much oftener the first questions are asked than the last


@dataclass(frozen=True)
class Labelled:
    """A question and what it is about."""

    text: str
    label: str


def part_of(name: str) -> str:
    """Give the part of the questions about this: half are for tuning, half are only measured."""
    return PARTS[int(sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % 2]


def by_procedure(part: str) -> list[Labelled]:
    """Read typical questions of one part's procedures; the label is the procedure's code."""
    return [
        Labelled(text, path.stem)
        for path in sorted((CONTENT / "questions").glob("*.yml"))
        if path.stem != OTHERS and part_of(path.stem) == part
        for text in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def by_need(part: str) -> list[Labelled]:
    """Read training sentences about what is often named; the label is the procedure's name and the intent."""
    found = []
    for example in read_examples(_DATA / "procedures.yml"):
        names = [folded_words(mark.text) for mark in example.marks if mark.entity == "procedure"]
        if len(names) == 1 and part_of(names[0]) == part:
            found.append((names[0], Labelled(example.text, f"{names[0]}: {example.intent}")))
    often = Counter(name for name, _ in found)
    return [one for name, one in found if often[name] >= _OFTEN]


def by_sentence(part: str, count: int) -> list[Labelled]:
    """Give sentences, each also in every noise; the label is the sentence."""
    chance = random.Random(part)  # noqa: S311  (not for secrets)
    asked = chance.sample([one.text for one in by_procedure(part)], count)
    typed = {(noise(text), text) for text in asked for noise in (_as_it_is, *NOISES.values())}
    return [Labelled(text, label) for text, label in sorted(typed)]


def many_questions(count: int) -> list[Labelled]:
    """Make this many questions of which no two have the same folded words.

    The label is the code of the procedure whose typical question was varied; empty for any other sentence.
    """
    code_of = {example.text: "" for example in read_folder(_DATA) if len(example.text.split()) > 2}
    code_of |= {one.text: one.label for part in PARTS for one in by_procedure(part)}
    sentences, chance = sorted(code_of), random.Random(count)  # noqa: S311  (not for secrets)
    chance.shuffle(sentences)
    often = list(accumulate((place + 10) ** -_STEEPNESS for place in range(len(sentences))))
    made: dict[str, Labelled] = {}
    while len(made) < count:
        sentence = chance.choices(sentences, cum_weights=often)[0]
        text = _typed(sentence, chance)
        made.setdefault(folded_words(text), Labelled(text, code_of[sentence]))
    return list(made.values())


def _typed(sentence: str, chance: random.Random) -> str:
    noise = chance.choice((_as_it_is, *NOISES.values()))
    return noise(" ".join(filter(None, (chance.choice(_BEFORE), sentence, chance.choice(_AFTER)))))


def _as_it_is(text: str) -> str:
    return text
