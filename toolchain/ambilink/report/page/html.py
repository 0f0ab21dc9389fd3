"""Elements of the page. Text from any source stays text: the only way to markup is an element."""

from collections.abc import Iterable
from html import escape

from ambilink.report.visible import visible

VOID = frozenset({"br", "hr", "input", "meta", "rect", "path", "col", "line", "circle"})


class Markup(str):
    """What `element` made."""

    __slots__ = ()


Child = str | Iterable["Child"] | None
Attribute = str | int | float | bool | None


def text(value: str) -> Markup:
    return Markup(escape(visible(value)))


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """`class_` is the attribute class, `aria_label` is aria-label; None and False are left out, True has no value."""
    words = [tag]
    for name, value in attributes.items():
        name = name.rstrip("_").replace("_", "-")
        if value is True:
            words.append(name)
        elif value is not None and value is not False:
            words.append(f'{name}="{text(_number(value))}"')
    start = " ".join(words)
    # Within <svg> the slash is needed, elsewhere it is allowed.
    return Markup(f"<{start}/>" if tag in VOID else f"<{start}>{joined(children)}</{tag}>")


def _number(value: Attribute) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def joined(children: Child) -> Markup:
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return text(children)
    return Markup("".join(joined(child) for child in children))
