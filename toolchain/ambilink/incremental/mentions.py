"""What a text may read beside what it includes: found by looking for the few words that do it.

A compiler's list of what it read leaves out what the assembler reads (.incbin, .include), and headers that were asked
for and not there (__has_include). A text that has none of these words needs no second look. Where such a word stands
in a form that is not read here, the text is not followed, and what is made of it is in doubt.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ASSEMBLER = "asm"  # a mention: directives of an assembler that read files
STAMP = "stamp"  # a mention: the text's date is in what is made of it
_HAS, _MACRO, _CALLS, _UNKNOWN = "has", "by", "of", "not"  # mentions: kind and name
_ASSEMBLER_WORD = re.compile(rb"incbin|\.[ \t]*include\b", re.IGNORECASE)
_QUESTION = re.compile(rb"__has_(?:include(?:_next)?|embed)(?:__)?(?!\w)")
_EMBED = re.compile(rb"\s*(?:#|%:)\s*embed\s+(?:(<[^>\n]+>|\"[^\"\n]+\")|([A-Za-z_]\w*)\s*$|(.))")
_EMBED_CLOSE = re.compile(rb"\s*(?:#|%:)\s*embed(?=[<\"])")
_STRANGE_NAME = re.compile(rb"\s*(?:#|%:)\s*(?:include(?:_next)?|import)\s*[<\"][^>\"\n]*[\\\t]")  # lists garble it
_SPLICE = re.compile(rb"\\[ \t\f\v]*\r?\n")
_SKIPPED = re.compile(rb"(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|//[^\n]*", re.DOTALL)
_LINE = re.compile(rb"\s*(?:#|%:|\?\?=)\s*(?:if|elif|define)")  # where it is asked
_DEFINITION = re.compile(rb"\s*(?:#|%:|\?\?=)\s*define\s+(\w+)(?:\(([^)]*)\))?")
_NAMED = re.compile(rb"(?:\bdefined\s*\(?|(?:#|%:|\?\?=)\s*(?:(?:el)?ifn?def|undef))\s*$")  # not used, only named
_CALL = re.compile(rb"\s*\(\s*(?:(<[^>\n]+>|\"[^\"\n]+\")|([A-Za-z_]\w*)\s*\))")
_FIRST_WORD = re.compile(rb"\W*(\w+)")
# A string of assembly; one within a string of C or of LLVM's language.
_DIRECTIVE = re.compile(rb"\.[ \t]*(incbin|include)\b[ \t]*(?:(\"|\\\"|\\22)(.*?)\2)?", re.IGNORECASE)
_TEXT_DATA = re.compile(rb"^[ \t]*\.(?:ascii|asciz|string)[ \t]+\"(?:\\.|[^\"\\\n])*\"[ \t]*$", re.MULTILINE)
_BLOCK_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A file that a text asks for: __has_include, #embed."""

    name: str  # without its quotes; of a macro: its own
    quoted: bool = False
    macro: bool = False  # the name is that of a macro, which stands for the file's
    calls: bool = False  # the name is that of a macro, and what it is called with is the file's
    unknown: bool = False  # it is not known what is asked for


def joined(data: bytes) -> bytes:
    """A text with the lines that the preprocessor sees, without comments."""
    if b"\\" in data:
        data = _SPLICE.sub(b"", data)
    if b'R"' in data or (b"/*" not in data and b"//" not in data):
        return data  # what lies in raw strings is hard to say
    return _SKIPPED.sub(lambda match: match[1] or b" ", data)


def mentions(data: bytes) -> tuple[str, ...]:
    """Of the text of a source or a header, in a form to keep; `questions` reads them. Binary files mention nothing."""
    if b"\0" in data[:4096]:
        return ()
    found: dict[str, None] = {}
    if _ASSEMBLER_WORD.search(data):
        found[ASSEMBLER] = None
    if b"__TIMESTAMP__" in data:
        found[STAMP] = None
    spliced = _SPLICE.sub(b"", data) if b"\\" in data else data
    if b"__has_" in spliced or b"embed" in spliced:
        lines = joined(data)
        found.update((mention, None) for mention in _uses(lines, _QUESTION))
        found.update((mention, None) for mention in _embeds(lines))
    if b"\\" in spliced or b"\t" in spliced:
        for match in _STRANGE_NAME.finditer(spliced):
            found[f"{_UNKNOWN} {_text(match[0]).strip()}"] = None
    return tuple(found)


def _uses(lines: bytes, word: re.Pattern[bytes]) -> Iterator[str]:
    """Mentions, for each place where directives use a word that asks for a file."""
    if not word.search(lines):
        return
    for line in lines.split(b"\n"):
        if not word.search(line) or not _LINE.match(line):
            continue
        definition = _DEFINITION.match(line)
        parameters = set(re.findall(rb"\w+", definition[2] or b"")) if definition else set()
        for match in word.finditer(line):
            if (definition and match.start() == definition.start(1)) or _NAMED.search(line[: match.start()]):
                continue
            call = _CALL.match(line, match.end())
            if call and call[1] and not (call[1].startswith(b"<") and parameters & set(re.findall(rb"\w+", call[1]))):
                yield f"{_HAS} {_text(call[1])}"
            elif call and call[2] and call[2] not in parameters:
                yield f"{_MACRO} {_text(call[2])}"
            elif call and call[2] and definition and [call[2]] == re.findall(rb"[\w.]+", definition[2] or b""):
                yield f"{_CALLS} {_text(definition[1])}"
            else:
                name = _FIRST_WORD.match(line, match.end()) if not definition else None
                yield f"{_UNKNOWN} {_text(definition[1] if definition else name[1] if name else match[0])}"


def _embeds(lines: bytes) -> Iterator[str]:
    for line in lines.split(b"\n") if b"embed" in lines else ():
        match = _EMBED.match(_EMBED_CLOSE.sub(b"#embed ", line))
        if match:
            kind = _HAS if match[1] else _MACRO if match[2] else _UNKNOWN
            yield f"{kind} {_text(match[1] or match[2] or b'#embed')}"


def questions(found: tuple[str, ...]) -> list[Question]:
    made = []
    for mention in found:
        kind, _, name = mention.partition(" ")
        if kind == _HAS:
            made.append(Question(name[1:-1], name[0] == '"'))
        elif name:
            made.append(Question(name, macro=kind == _MACRO, calls=kind == _CALLS, unknown=kind == _UNKNOWN))
    return made


def calls(macro: str, lines: bytes) -> list[Question]:
    """What a text calls a macro with that has the file as its only parameter."""
    return questions(tuple(_uses(lines, re.compile(rb"(?<!\w)" + re.escape(macro.encode()) + rb"(?!\w)"))))


def definitions(name: str, lines: bytes) -> list[str]:
    """What a text defines a macro as."""
    pattern = rb"^\s*(?:#|%:|\?\?=)[ \t]*define[ \t]+" + re.escape(name.encode()) + rb"(?!\w)[ \t]*([^\n]*)"
    return [_text(match[1]).strip() for match in re.finditer(pattern, lines, re.MULTILINE)]


def assembler_inputs(data: bytes) -> tuple[list[str], list[str], bool]:
    """Of assembly: the files of .incbin, those of .include, and whether a name is not known: it is computed by a macro
    of the assembler, or stands where it is not read here."""
    payloads: list[str] = []
    texts: list[str] = []
    unknown = False
    for match in _DIRECTIVE.finditer(_BLOCK_COMMENT.sub(b" ", _TEXT_DATA.sub(b"", data))):
        if not match[3] or b"\\" in match[3]:
            unknown = True
        else:
            (payloads if match[1].lower() == b"incbin" else texts).append(_text(match[3]))
    return payloads, texts, unknown


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
