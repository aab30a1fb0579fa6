"""A stranger's text where Streamlit reads Markdown."""

MARKDOWN_SIGNS = set("\\`*_{}[]()<>#+-.!|$~:^&")


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is: a sentence may quote a stranger's file."""
    return "".join(f"\\{sign}" if sign in MARKDOWN_SIGNS else sign for sign in text)
