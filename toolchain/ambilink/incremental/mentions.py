"""What a text may read beside what it includes: found by looking for the few words that do it.

A compiler's list of what it read leaves out what the assembler reads (.incbin, .include), and headers that were asked
for and not there (__has_include). A text that has none of these words needs no second look.
"""

import re
from dataclasses import dataclass

ASSEMBLER = "asm"  # a mention: directives of an assembler that read files
_ASSEMBLER_WORD = re.compile(rb"incbin|\.[ \t]*include\b", re.IGNORECASE)
_BLANK = rb"(?:\s|\\\r?\n)*"
_QUESTION = re.compile(
    rb"__has_(include(?:_next)?|embed)(?:__)?" + _BLANK + rb"\(" + _BLANK + rb"(<[^>\n]+>|\"[^\"\n]+\"|[A-Za-z_]\w*)"
)
_EMBED = re.compile(rb"^[ \t]*#[ \t]*embed[ \t]*(<[^>\n]+>|\"[^\"\n]+\")", re.MULTILINE)
_DEFINING = re.compile(rb"#[ \t]*define[ \t]+$")
# A string of assembly; one within a string of C or of LLVM's language.
_DIRECTIVE = re.compile(rb"\.[ \t]*(incbin|include)\b[ \t]*(?:(\"|\\\"|\\22)(.*?)\2|(\\))?", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A file that a text asks for: __has_include, #embed."""

    name: str  # without its quotes; of a macro: its own
    quoted: bool = False
    passes: bool = False  # by what was found before: __has_include_next
    macro: bool = False  # the name is that of a macro


def mentions(data: bytes) -> tuple[str, ...]:
    """Of the text of a source or a header, in a form to keep; `questions` reads them. Binary files mention nothing."""
    if b"\0" in data[:4096]:
        return ()
    found: dict[str, None] = {}
    if _ASSEMBLER_WORD.search(data):
        found[ASSEMBLER] = None
    if b"__has_" in data:
        for match in _QUESTION.finditer(data):
            if not _DEFINING.search(data[max(0, match.start() - 64) : match.start()]):
                found[("next " if match[1] == b"include_next" else "has ") + _text(match[2])] = None
    if b"embed" in data:
        found.update((f"has {_text(match[1])}", None) for match in _EMBED.finditer(data))
    return tuple(found)


def questions(found: tuple[str, ...]) -> list[Question]:
    made = []
    for mention in found:
        kind, _, name = mention.partition(" ")
        if name[:1] in '<"':
            made += [Question(name[1:-1], name[0] == '"', kind == "next")] if name else []
        else:
            made.append(Question(name, passes=kind == "next", macro=True))
    return made


def definitions(name: str, data: bytes) -> list[str]:
    """What a text defines a macro as."""
    pattern = rb"^[ \t]*#[ \t]*define[ \t]+" + re.escape(name.encode()) + rb"(?!\w)[ \t]*([^\n]*)"
    return [_text(match[1]).strip() for match in re.finditer(pattern, data, re.MULTILINE)]


def assembler_inputs(data: bytes) -> tuple[list[str], list[str], bool]:
    """Of assembly: the files of .incbin, those of .include, and whether a name is computed, by a macro of the
    assembler."""
    payloads: list[str] = []
    texts: list[str] = []
    computed = False
    for match in _DIRECTIVE.finditer(data):
        if match[4] or b"\\" in (match[3] or b""):
            computed = True
        elif match[3]:
            (payloads if match[1].lower() == b"incbin" else texts).append(_text(match[3]))
    return payloads, texts, computed


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
