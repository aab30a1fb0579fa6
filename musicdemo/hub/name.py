"""Names of what the Hub holds, OWNER/NAME[@REVISION], read strictly: they become addresses and names of folders."""

import re
from dataclasses import dataclass

MAX_REPOSITORY_LENGTH, MAX_REVISION_LENGTH = 96, 64
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?P<repository>{_PART}/{_PART})(?:@(?P<revision>{_PART}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubName:
    """A repository of the Hub, OWNER/NAME, at a branch, a tag or a commit (40 hexadecimal digits)."""

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}"

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, so that the name means the same files for ever."""
        return _COMMIT.fullmatch(self.revision) is not None


def read_name(text: str) -> HubName | None:
    """Read OWNER/NAME or OWNER/NAME@REVISION; None where the text is no such name.

    Stricter than the Hub: letters, digits, dots, dashes and underscores alone, no "..", no "--", no "/" in a revision.
    """
    match = _NAME.fullmatch(text)
    if not match or ".." in text or "--" in text or len(match["repository"]) > MAX_REPOSITORY_LENGTH:
        return None
    name = HubName(match["repository"], match["revision"] or HubName.revision)
    return name if len(name.revision) <= MAX_REVISION_LENGTH else None


def short_name(text: str) -> str:
    """Return the name with a commit cut to the 7 digits that people read; other text as it is."""
    return re.sub(r"@([0-9a-f]{7})[0-9a-f]{33}$", r"@\1", text)
