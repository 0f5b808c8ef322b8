"""Answers without a model: quotes the site's own pages, and says so.

Nothing is made up, because nothing is worded here but the sentence that leads in. When
no source fits, it says that it found nothing.
"""

import re
from collections.abc import AsyncGenerator, Sequence

from chatkeep.egress import Egress
from chatkeep.knowledge.question import Concept, parse
from chatkeep.knowledge.quote import quote
from chatkeep.knowledge.relevance import covered, weighed
from chatkeep.knowledge.words import WORD, fold
from chatkeep.providers import Finish, Prompt, Provider, Source
from chatkeep.settings import Settings
from chatkeep.store.documents import HEADING_JOINT

_MOST_SOURCES = 3
_LONGEST_FIRST = 380
_LONGEST_NEXT = 240
_LONGEST = 640
# Another source is quoted too when it says this much (in concepts) that the first did not.
_NEWS = 0.5
# This much of the question in a heading makes its section the answer.
_TOPIC = 0.6
_PIECE = re.compile(r"\S+\s*|\s+")

_NOTHING = (
    "I found nothing about that in the pages of this site. Please try it in other words, or contact the site directly: the people there can help you further."
)
_HELLO = "Hello! What would you like to know? I look up the answers in the pages of this site."
_THANKS = "You are welcome! If you have another question, just ask."
_GOODBYE = "Goodbye, and thank you for your visit!"
_WHO = "I am an automated assistant, not a person. I look up answers in the pages of this site and show you where they come from. What would you like to know?"
_THANKING = "thanks thank thx ty cheers danke merci gracias grazie obrigado obrigada bedankt dank"
_LEAVING = "bye goodbye ciao tschuss adios"
_GREETING = "hi hello hey hiya howdy yo hallo hola bonjour salut moin servus greetings morning afternoon evening"
_SMALL_TALK = tuple((reply, frozenset(signs.split())) for reply, signs in ((_THANKS, _THANKING), (_GOODBYE, _LEAVING), (_HELLO, _GREETING)))
_FILLER_WORDS = """
a again all and are da day dear for good great guten help how it lot me much nice ok okay perfect so super tag team that the there to very
vielen well you your
"""
_FILLERS = frozenset(_FILLER_WORDS.split())
_WHO_ARE_YOU = re.compile(
    r"\W*(?:(?:hi|hello|hey)\W+)?(?:(?:who|what) are you|are you (?:a |an )?(?:real|human|bot|robot|ai|person|machine|there)\b.{0,20}"
    r"|what(?:'s| is) your name|(?:what|how) can you (?:do|help)\b.{0,20}|am i (?:talking|speaking) (?:to|with) .{0,30}"
    r"|(?:can|could) (?:you|u) help(?: me)?|help(?: me)?|i (?:need|have) (?:some )?(?:help|a question))\W*",
    re.IGNORECASE,
)


class KnowledgeProvider:
    """Answers with the sentences of ``prompt.sources`` that fit the question best."""

    name = "knowledge"
    host: str | None = None
    model: str | None = None
    wants_history = False
    judges_sources = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str | Finish, None]:
        """Yield the answer a word at a time."""
        for piece in _PIECE.findall(compose(prompt.question, prompt.sources)):
            yield piece
        yield Finish("stop")


def build(_settings: Settings, _egress: Egress) -> Provider:
    """The provider; it needs nothing."""
    return KnowledgeProvider()


def compose(question: str, sources: Sequence[Source]) -> str:
    """The answer to *question* as Markdown, with markers such as ``[1]`` that name *sources*."""
    if (reply := _small_talk(question)) is not None:
        return reply
    if not sources:
        return _NOTHING
    quotes = _quotes(question, sources)
    pages = list(dict.fromkeys(source.title.split(HEADING_JOINT)[0] for source, _ in quotes))
    lead = f"I found this on the page “{pages[0]}”:" if len(pages) == 1 else "I found this in the pages of this site:"
    return "\n\n".join([lead, *(f"{text} [{source.index}]" for source, text in quotes)])


def _quotes(question: str, sources: Sequence[Source]) -> list[tuple[Source, str]]:
    """The sources to quote, best first, and what to quote of each."""
    asked = parse(question).concepts
    concepts = _weighed(asked, sources)
    chosen: list[tuple[Source, str]] = []
    open_concepts = list(concepts)
    for source in sources[: _MOST_SOURCES + 1]:
        news = covered(open_concepts, f"{source.title} {source.text}")
        if chosen and (news < _NEWS or len(chosen) == _MOST_SOURCES):
            continue
        room = _LONGEST - sum(len(text) for _, text in chosen)
        longest = min(room, _LONGEST_NEXT if chosen else _LONGEST_FIRST)
        text = quote(source.text, question, concepts, longest=longest, is_topic=_is_topic(asked, source))
        if text:
            chosen.append((source, text))
            open_concepts = [concept for concept in open_concepts if not covered([concept], f"{source.title} {source.text}")]
    return chosen or [(sources[0], sources[0].excerpt)]


def _is_topic(concepts: Sequence[Concept], source: Source) -> bool:
    """Whether the source's own heading names most of what was asked."""
    telling = [concept for concept in concepts if not concept.is_light] or concepts
    heading = source.title.rsplit(HEADING_JOINT, 1)[-1]
    return bool(telling) and covered(telling, heading) >= _TOPIC * sum(concept.weight for concept in telling)


def _weighed(concepts: tuple[Concept, ...], sources: Sequence[Source]) -> tuple[Concept, ...]:
    """*concepts* with less weight for what all the sources speak of."""
    counts = [sum(bool(covered([concept], source.text)) for source in sources) for concept in concepts]
    return weighed(concepts, len(sources), counts)


def _small_talk(question: str) -> str | None:
    """A reply to a greeting, thanks or a question about the assistant; ``None`` when something was asked."""
    if _WHO_ARE_YOU.fullmatch(question):
        return _WHO
    words = {fold(word) for word in WORD.findall(question)}
    for reply, signs in _SMALL_TALK:
        if words & signs and all(word in _FILLERS or any(word in each for _, each in _SMALL_TALK) for word in words):
            return reply
    return None
