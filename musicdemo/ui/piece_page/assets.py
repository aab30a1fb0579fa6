"""The style sheet, the script and the icon of a piece's page, each at an address that changes when its bytes do."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from musicdemo.ui.components.piano_roll import roll_css, roll_js

HERE = Path(__file__).parent
_ICON = HERE.parent / "icon.png"


@dataclass(frozen=True)
class Asset:
    """A file by the name it is asked for, its media type and its bytes."""

    name: str
    media_type: str
    data: bytes

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"/assets/{self.name}"


@cache
def assets() -> dict[str, Asset]:
    """Return the files of the page by what they are: style, script and icon."""
    own = {name: (HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")}
    return {
        "style": _hashed("page", "css", "text/css", f"{own['page.css']}\n{roll_css()}".encode()),
        # One module: the roll's first, whose mountRoll the page then calls.
        "script": _hashed("page", "js", "text/javascript", f"{roll_js()}\n{own['page.js']}".encode()),
        "icon": _hashed("icon", "png", "image/png", _ICON.read_bytes()),
    }


def asset(name: str) -> Asset | None:
    """Return the file that is served under this name now; None for another."""
    return next((found for found in assets().values() if found.name == name), None)


def _hashed(stem: str, suffix: str, media_type: str, data: bytes) -> Asset:
    return Asset(f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{suffix}", media_type, data)
