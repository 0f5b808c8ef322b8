"""Owners write the widget's texts anew, in any language, and only what can be shown."""

import re
from itertools import chain
from pathlib import Path

import pytest

from chatkeep.errors import WrongUsage
from chatkeep.manage.widget_texts import _COUNTED, _PLAIN, _WITH_PLACE, check_texts
from chatkeep.manage.widgets import checked_settings

_ENGLISH = Path(__file__).parents[2] / "widget/src/words/en.ts"


def test_every_text_of_the_widget_can_be_written_anew_and_no_other() -> None:
    english = dict(re.findall(r"^  '?([\w.]+)'?: '(.*)',$", _ENGLISH.read_text(encoding="utf-8"), re.MULTILINE))
    known = {**{key: set[str]() for key in _PLAIN}, **{key: {place} for key, place in _WITH_PLACE.items()}, **{key: {"{n}"} for key in _COUNTED}}
    plurals = {key.rpartition(".")[0] for key in _COUNTED}
    assert {key for key in known if key.rpartition(".")[0] not in plurals or key in english} == english.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == known[key]


def test_good_texts_are_kept_as_they_are() -> None:
    texts = {
        "default": {"hello": "Hi!", "wait": "Wait {time}.", "left.one": "One left", "left.other": "{n} left"},
        "pt-BR": {"send": "Vai"},
        "zh-Hant": {"error.other": "出錯了"},
        "es-419": {"thanks": "Gracias 👋🏽"},
        "fa": {"retry": "دوباره می\u200cپرسم"},
        "fr": {"hello": "Bonjour\u00a0!"},
    }
    assert checked_settings({"texts": texts}) == {"texts": texts}


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({"German": {"send": "Los"}}, "'German' is no locale"),
        ({"de_AT": {"send": "Los"}}, "'de_AT' is no locale"),
        ({"de": {"sned": "Los"}}, "de, sned: there is no such text"),
        ({"de": {"left": "{n}"}}, "de, left: there is no such text"),
        ({"de": {"__proto__": "x"}}, "there is no such text"),
        ({"de": {"send": " "}}, "1 to 400 characters"),
        ({"de": {"send": "x" * 401}}, "1 to 400 characters"),
        ({"de": {"send": "a\nb"}}, "1 to 400 characters"),
        ({"de": {"send": "a\u202eb"}}, "1 to 400 characters"),
        ({"de": {"send": "{n} senden"}}, "nothing is filled in for {n}"),
        ({"de": {"wait": "Warten {n}"}}, "nothing is filled in for {n}"),
        ({"de": {"wait": "Warten"}}, "{time} is missing"),
        ({"de": {"left.other": "Noch einige"}}, "{n} is missing"),
        ({"de": {"send": 7}}, "texts.*.* must be text"),
        ({"de": dict.fromkeys(chain(_PLAIN), "x" * 300)}, "more than 16000 characters"),
    ],
)
def test_what_could_not_be_shown_is_refused_by_name(texts: dict[str, dict[str, str]], problem: str) -> None:
    with pytest.raises(WrongUsage, match=re.escape(problem)):
        checked_settings({"texts": texts})


def test_no_texts_are_fine() -> None:
    check_texts({})
    assert checked_settings({"texts": {}}) == {}


@pytest.mark.parametrize("locale", ["auto", "de", "pt-BR", "zh-Hant-TW"])
def test_a_language_or_the_pages_own_can_be_set(locale: str) -> None:
    assert checked_settings({"locale": locale}).get("locale", "auto") == locale


@pytest.mark.parametrize("locale", ["", "automatic", "d", "de_DE", "de-" + "x" * 9, 'en"><'])
def test_what_is_no_language_is_refused(locale: str) -> None:
    with pytest.raises(WrongUsage):
        checked_settings({"locale": locale})
