"""Reading what compilers write with -MD: one make rule, whose prerequisites are the files that were read."""

import os
import re

from ambilink.incremental.search import spelled

# A backslash before a newline continues the line; before a space or '#' it makes that character part of a name.
# Two dollars are one.
_WORD = re.compile(r"(?:[^\s\\$]|\\[ #:\\]|\\(?=[^\s])|\$\$|\$)+")
_ESCAPED = re.compile(r"\\([ #:])|\$(\$)")


def prerequisites(text: str) -> list[str]:
    """The files on the right of the first rule, in the compiler's order, each once.

    What make would call an empty rule has none. Raises ValueError if there is no rule at all.
    """
    text = text.replace("\\\r\n", " ").replace("\\\n", " ")
    # The colon that ends the target; one in "C:\x" has no blank behind it.
    match = re.search(r":(?=\s|$)", text)
    if match is None:
        raise ValueError("no rule")
    first_rule = re.split(r"\r?\n", text[match.end() :], maxsplit=1)[0]
    words = (_ESCAPED.sub(lambda found: found[1] or found[2], word) for word in _WORD.findall(first_rule))
    return list(dict.fromkeys(words))


def read_headers(path: str, source: str) -> list[str]:
    """What a compiler read beside the source, as it named it. Raises OSError or ValueError if it wrote no such list."""
    here = os.getcwd()
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        found = [spelled(name, here) for name in prerequisites(stream.read())]
    return [name for name in dict.fromkeys(found) if name != source]
