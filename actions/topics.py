"""Answers from topics: COVID rules, service levels, the portal, dossier statuses."""

from __future__ import annotations

from actions.answer import Answer, Choice, Status
from actions.payloads import payload
from actions.request import Known, Request
from actions.telling_apart import MOST_CHOICES, none_of_these
from actions.wording import day, say
from knowledge.records import Rule, Topic
from knowledge.search import Hit, is_clear

SURE = 0.65  # a score from which a topic is told although another intent was understood
WORTH_CHOOSING = 0.5  # a best score from which the best topic is told although another is near


def ask_covid_rule(request: Request) -> Answer:
    """State a COVID rule, only when it is clear which one is meant."""
    return topical(request, "ask_covid_rule", strict=True)


def ask_service_level(request: Request) -> Answer:
    """Explain the levels of online public services on this day."""
    return topical(request, "ask_service_level")


def ask_portal_account(request: Request) -> Answer:
    """Explain accounts and sign-in on this day."""
    return topical(request, "ask_portal_account")


def ask_online_payment(request: Request) -> Answer:
    """Explain paying online on this day."""
    return topical(request, "ask_online_payment")


def report_portal_problem(request: Request) -> Answer:
    """Help with trouble on the portal and say whom to tell."""
    return topical(request, "report_portal_problem")


def ask_dossier_status(request: Request) -> Answer:
    """Explain a dossier status in plain words."""
    return topical(request, "ask_dossier_status", strict=True)


def tell_topic(request: Known, topic: Topic) -> Answer:
    """Tell what a topic says on this day, or that it is over, or that nothing is known."""
    rules = topic.rules_on(request.today)
    title = say("topic.title", title=topic.title)
    if rules:
        blocks = (title, *(rule.text for rule in rules))
        return Answer("answered", blocks, sources=request.sources(*rules), topic=topic.id)
    is_gap = any(rule.valid_from > request.today for rule in topic.rules)
    if not is_gap and (expired := topic.last_expired(request.today)):
        return _tell_expired(request, topic, expired)
    return Answer(
        "not_found", (say("topic.not_yet", title=topic.title, day=day(request.today)),), topic=topic.id
    )


def _tell_expired(request: Known, topic: Topic, expired: Rule) -> Answer:
    assert expired.valid_to  # noqa: S101  (an expired rule has an end)
    successor = request.catalogue.topics.get(topic.replaced_by or "")
    rules = successor.rules_on(request.today) if successor else ()
    now_told = tuple(say("topic.replaced", text=rule.text) for rule in rules) or (
        say("topic.expired_unknown", day=day(request.today)),
    )
    blocks = (
        say("topic.title", title=topic.title),
        say("topic.expired", day=day(expired.valid_to)),
        *now_told,
    )
    status: Status = "answered" if rules else "not_found"
    return Answer(status, blocks, sources=request.sources(*rules, expired), topic=topic.id)


def topical(request: Request, intent: str, *, strict: bool = False) -> Answer:
    """Tell the topic of an intent that the text means, or ask which."""
    if chosen := request.catalogue.topics.get(request.reading.first("topic") or ""):
        return tell_topic(request, chosen)
    topics = request.catalogue.topics_for(intent, request.province.id)
    # What will only later replace other topics is no answer yet.
    later = {topic.replaced_by for topic in topics if topic.rules_on(request.today)}
    found = request.library.find_topics(intent, request.province.id, request.reading.text)
    hits = [hit for hit in found if hit.key not in later or _has_begun(request, hit.key)]
    if is_clear(hits) or (hits and not strict and hits[0].score >= WORTH_CHOOSING):
        return tell_topic(request, request.catalogue.topics[hits[0].key])
    if len(topics) == 1:
        return tell_topic(request, topics[0])
    return _ask_which(request, intent, topics, hits)


def _has_begun(request: Request, topic_id: str) -> bool:
    return request.catalogue.topics[topic_id].has_begun(request.today)


def _ask_which(request: Request, intent: str, topics: tuple[Topic, ...], hits: list[Hit[str]]) -> Answer:
    likely = [hit.key for hit in hits if _has_begun(request, hit.key)]
    begun = [topic for topic in topics if topic.has_begun(request.today)]
    in_force = [topic.id for topic in begun if topic.rules_on(request.today)]
    offered = list(dict.fromkeys((*likely, *in_force, *(topic.id for topic in begun))))
    if not offered:
        return Answer("not_found", (say("topic.none", day=day(request.today)),))
    choices = tuple(
        Choice(request.catalogue.topics[topic_id].title, payload(intent, topic=topic_id))
        for topic_id in offered[:MOST_CHOICES]
    )
    question = {"ask_covid_rule": "topic.which_covid", "ask_dossier_status": "dossier.which_status"}
    return Answer("asked_back", (say(question.get(intent, "topic.which")),), (*choices, none_of_these()))


def names_topic(request: Request) -> bool:
    """Tell whether the text has words of a topic of its intent, or a topic was chosen."""
    hits = request.library.find_topics(request.reading.intent, request.province.id, request.reading.text)
    return request.reading.first("topic") is not None or bool(hits and hits[0].score >= WORTH_CHOOSING)


def clear_topic(request: Request, better_than: float = 0.0) -> Answer | None:
    """Tell the topic, of whatever intent, that the text names more clearly than a given score."""
    hits = request.library.find_topics(None, request.province.id, request.reading.text)
    if not is_clear(hits) or hits[0].score <= max(SURE, better_than):
        return None
    topic = request.catalogue.topics[hits[0].key]
    return tell_topic(request, topic) if topic.rules_on(request.today) else None
