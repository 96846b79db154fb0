"""A synthetic text in the form of Mikolov's Penn Treebank: sentences of a small random grammar, a line each.

What a language model can learn from it, from near to far: which words are frequent; which word follows which; that a
verb agrees in number with its subject, however much stands between ("the prices that the bank expects rise"); that a
quotation, once opened, is closed; and that a topic stays for several sentences. As in the original all is lower case,
numbers are N, rare words are <unk>, and each line begins and ends with a blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOPIC_STAYS = 0.85  # the chance that a sentence keeps the topic of the one before it
UNKNOWN = 0.03  # the chance that a name, a noun or an adjective was too rare to keep


@dataclass(frozen=True)
class Topic:
    """The words of one subject matter. Nouns take an s in the plural, verbs in the singular of the present."""

    people: tuple[str, ...]  # who acts
    things: tuple[str, ...]  # what is acted on
    qualities: tuple[str, ...]  # adjectives
    actions: tuple[str, ...]  # verbs with an object
    changes: tuple[str, ...]  # verbs without one
    places: tuple[str, ...]  # in the ...


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOPICS = (
    Topic(
        _words("analyst trader investor bank broker manager lender fund insurer dealer owner auditor"),
        _words("price share bond profit loan market rate contract option deficit dividend stock debt asset"),
        _words("new large cautious foreign quarterly weak strong private volatile steady"),
        _words("buy sell expect own trade value offer report hold predict"),
        _words("rise fall recover climb drop slip"),
        _words("exchange city quarter sector region"),
    ),
    Topic(
        _words("farmer sailor forecaster pilot fisher miller shepherd gardener ranger hiker"),
        _words("storm cloud river field harvest wind lake boat forest shower mill orchard valley tide"),
        _words("cold warm wet dry early late heavy gentle grey deep"),
        _words("watch cross need await follow avoid fear measure welcome mention"),
        _words("appear vanish grow drift clear turn"),
        _words("north south mountain morning autumn"),
    ),
    Topic(
        _words("player coach team captain referee runner keeper rival champion visitor"),
        _words("match goal league season trophy stadium record defeat title ticket medal injury ball trick"),
        _words("young fast famous tired brave careless second final proud local"),
        _words("want take win praise miss defend remember play regret chase"),
        _words("train lose improve return jump score"),
        _words("cup tournament park summer town"),
    ),
    Topic(
        _words("singer painter actor writer pianist composer poet critic dancer editor"),
        _words("song novel concert picture film festival studio verse scene opera drum column chapter prize"),
        _words("quiet bright modern old lovely sad simple popular strange elegant"),
        _words("like write admire perform show sing record paint print review"),
        _words("begin open end travel pause work"),
        _words("theatre gallery capital evening museum"),
    ),
    Topic(
        _words("engineer doctor student teacher chemist surgeon researcher inventor nurse designer"),
        _words("machine model sample engine drug signal network robot sensor planet experiment theory error test"),
        _words("careful exact complex small rapid useful digital open natural curious"),
        _words("build study compare repair discover describe change design inspect explain"),
        _words("fail start stop operate react respond"),
        _words("laboratory university hospital factory school"),
    ),
)
NAMES = _words("smith jones miller baker ford lee carter reed hayes stone")
TITLES = _words("mr. ms. dr.")
SAYING = (("says", "say"), ("thinks", "think"), ("argues", "argue"), ("hopes", "hope"), ("knows", "know"))
ADVERBS = _words("often now again rarely soon still usually")


class Writer:
    """Writes sentence after sentence, by chances drawn from `random`; frequent words are listed first."""

    def __init__(self, random: np.random.RandomState):
        self._random = random
        self._topic = TOPICS[0]

    def sentence(self) -> list[str]:
        """The words of the next sentence."""
        if not self._happens(TOPIC_STAYS):
            self._topic = TOPICS[self._random.randint(len(TOPICS))]
        kind = self._random.random_sample()
        if kind < 0.55:
            return self._clause()
        if kind < 0.70:
            return ["if", *self._clause(), "then", *self._clause()]
        if kind < 0.85:
            return ["``", *self._clause(), "''", *self._speaker()]
        return [*self._clause(), "because" if self._happens(0.5) else "but", *self._clause()]

    def _clause(self) -> list[str]:
        """A subject and a verb that agrees with it, and what comes after that."""
        plural = self._happens(0.5)
        if self._happens(0.65):
            subject = self._noun_phrase(self._topic.people, plural, depth=0)
            verb = [_verb(self._one(self._topic.actions), plural), *self._object()]
        else:
            subject = self._noun_phrase(self._topic.things, plural, depth=0)
            verb = [_verb(self._one(self._topic.changes), plural)]
            if self._happens(0.3):
                verb += ["for", "N", self._one(("days", "hours", "years"))]
        adverb = [self._one(ADVERBS)] if self._happens(0.2) else []
        when = self._when() if self._happens(0.25) else []
        return [*subject, *adverb, *verb, *when]

    def _object(self) -> list[str]:
        if self._happens(0.15):
            return ["N", _noun(self._rare(self._topic.things), True)]
        return self._noun_phrase(self._topic.things, self._happens(0.5), depth=1)

    def _noun_phrase(self, nouns: Sequence[str], plural: bool, depth: int) -> list[str]:
        """Such as "the new prices in the city that the bank expects": `depth` keeps it from growing without end."""
        article = self._one(("the", "these", "some", "most") if plural else ("the", "a", "this", "every"))
        quality = [self._rare(self._topic.qualities)] if self._happens(0.4) else []
        phrase = [article, *quality, _noun(self._rare(nouns), plural)]
        if article == "a" and phrase[1][0] in "aeiou":
            phrase[0] = "an"
        if self._happens(0.25):
            phrase += ["in", "the", self._one(self._topic.places)]
        if depth < 2 and self._happens(0.22):
            phrase += self._relative_clause(plural, depth + 1)
        return phrase

    def _relative_clause(self, plural: bool, depth: int) -> list[str]:
        """Of a noun whose number is `plural`: either it acts, and its verb agrees with it, or another noun does."""
        if self._happens(0.5):
            things = self._noun_phrase(self._topic.things, self._happens(0.5), depth + 1)
            return ["that", _verb(self._one(self._topic.actions), plural), *things]
        other = self._happens(0.5)
        actor = self._noun_phrase(self._topic.people, other, depth + 1)
        return ["that", *actor, _verb(self._one(self._topic.actions), other)]

    def _speaker(self) -> list[str]:
        if self._happens(0.6):
            return [self._one(TITLES), self._rare(NAMES), self._one(SAYING)[0]]
        plural = self._happens(0.5)
        return ["the", _noun(self._one(self._topic.people), plural), self._one(SAYING)[plural]]

    def _when(self) -> list[str]:
        if self._happens(0.5):
            return ["in", "N"]
        return ["after", "N", self._one(("years", "days", "months"))]

    def _happens(self, chance: float) -> bool:
        return bool(self._random.random_sample() < chance)

    def _one(self, words: Sequence[str] | Sequence[tuple[str, str]]):
        """One of them, the k-th with a chance that falls as 1/(k + 2): frequencies in a text fall like that."""
        weights = np.cumsum(1 / np.arange(2, len(words) + 2))
        return words[int(np.searchsorted(weights, self._random.random_sample() * weights[-1]))]

    def _rare(self, words: Sequence[str]) -> str:
        return "<unk>" if self._happens(UNKNOWN) else self._one(words)


def _noun(word: str, plural: bool) -> str:
    if not plural or word == "<unk>":
        return word
    return with_s(word)


def _verb(word: str, plural: bool) -> str:
    return word if plural else with_s(word)


def with_s(word: str) -> str:
    """The word with the s of a noun's plural or of a verb's third person."""
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def lines(number: int, random: np.random.RandomState) -> str:
    """A text of that many sentences, each a line, with the blanks of the original around it."""
    writer = Writer(random)
    return "".join(f" {' '.join(writer.sentence())} \n" for _ in range(number))
