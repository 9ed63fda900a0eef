"""Markup: strings that are HTML, and all others, which are escaped."""

from collections.abc import Iterable
from html import escape


class Html(str):
    """A string that is markup; all other strings are text."""


def joined(parts: Iterable[str]) -> Html:
    """All parts joined; markup is unchanged, and text is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def element(name: str, /, *content: str, **attributes: object) -> Html:
    """`<name key="value">content</name>`; class_ and data_run become class and data-run."""
    pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for key, v in attributes.items())
    return Html(f"<{name}{pairs}>" + ("" if name in ("img", "input") else f"{joined(content)}</{name}>"))
