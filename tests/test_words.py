"""What the page says: every text in every language, with the same placeholders, and none that nobody says."""

import re
import string
import tomllib

import pytest

from musicdemo.checkpoint import list_checkpoints
from musicdemo.likelihood import AUTO
from musicdemo.music.scales import SCALES
from musicdemo.seeds import MENU
from musicdemo.ui.components.piano_roll import drum_name, instrument_name
from musicdemo.ui.words import DEFAULT_LANGUAGE, FOLDER, LANGUAGES, nearest_language, say

UI = FOLDER.parent
TRANSLATED = ("drums", "instruments", "scales", "seeds", "styles")
"""Names of the domain, whose English stands elsewhere."""

SECTIONS = sorted({path.stem for path in FOLDER.glob("*.toml")} - set(TRANSLATED))
SOURCES = "\n".join(p.read_text(encoding="utf-8") for p in (*UI.rglob("*.py"), *UI.rglob("*.js"), *UI.rglob("*.html")))


def texts(section: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((FOLDER / f"{section}.toml").read_text(encoding="utf-8"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_text_is_there_in_every_language_with_the_same_placeholders(section):
    for name, versions in texts(section).items():
        assert set(versions) == set(LANGUAGES), f"{section}.{name}"
        assert all(versions.values()), f"{section}.{name} is empty"
        assert len({frozenset(placeholders(text)) for text in versions.values()}) == 1, f"{section}.{name}"


@pytest.mark.parametrize("section", SECTIONS)
def test_chinese_is_chinese(section):
    signs = "".join(versions["zh"] for versions in texts(section).values())
    assert re.search("[\u4e00-\u9fff]", signs)


def test_every_key_that_the_code_says_exists():
    for section, name in re.findall(r"""say\(\s*f?["'](\w+)\.(\w+)["']""", SOURCES):
        assert name in texts(section), f"{section}.{name}"


def composed(section: str) -> list[str]:
    """Patterns of the keys that code puts together, as in say(f"section.{name}_help")."""
    key = r"""((?:\{[^}]*\}|[^"'{])*)["']"""  # what is put in may hold quotes
    found = re.findall(rf"""f["']{section}\.{key}|\[f["']{key}\]""", SOURCES)
    fixed_parts = [re.split(r"\{[^}]*\}", key) for key in map("".join, found)]
    return [r"[\w-]+".join(map(re.escape, parts)) for parts in fixed_parts if any(parts)]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_text_is_said_somewhere(section):
    for name in texts(section):
        said = re.search(rf"\b{name}\b", SOURCES) or any(re.fullmatch(key, name) for key in composed(section))
        assert said, f"{section}.{name} is said nowhere"


def shipped_names(section: str) -> set[str]:
    return {
        "drums": {drum_name(key) for key in range(128)} - {f"Drum {key}" for key in range(128)},
        "instruments": {instrument_name(program) for program in range(128)},
        "scales": set(SCALES),
        "seeds": {*MENU, *(f"{name}_about" for name in MENU)},
        "styles": {AUTO, *(style for info in list_checkpoints() for style in info.styles)},
    }[section]


@pytest.mark.parametrize("section", TRANSLATED)
def test_every_name_of_the_domain_is_translated_and_no_other(section):
    assert set(texts(section)) == shipped_names(section)
    assert all(set(versions) == set(LANGUAGES) - {DEFAULT_LANGUAGE} for versions in texts(section).values())


def test_say_fills_placeholders_in_either_language():
    assert say("stage.bars_done", language="en", done=3, total=8) == "3 of 8 new bars"
    assert "3" in say("stage.bars_done", language="zh", done=3, total=8)


def test_language_follows_the_browser():
    assert nearest_language("zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert nearest_language("zh") == "zh"
    assert nearest_language("de-DE") == nearest_language("") == nearest_language("en-GB") == "en"
