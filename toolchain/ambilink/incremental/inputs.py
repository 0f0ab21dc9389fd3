"""All that a compilation read or asked for: the compiler's own list, and what no list has.

The assembler's files (.incbin, .include) are found in the assembly that the compiler makes; files that were asked for
(__has_include), there or not, in the texts themselves. Where a name is computed in a way that is not followed, the
object is in doubt: it is compiled again each time, and goes into no cache.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.incremental.depfile import read_headers
from ambilink.incremental.mentions import (
    ASSEMBLER,
    STAMP,
    Question,
    assembler_inputs,
    calls,
    definitions,
    joined,
    questions,
)
from ambilink.incremental.recipe import Job, Recipe
from ambilink.incremental.search import expanded, leads_assembler
from ambilink.incremental.slots import Finished

PART = ".part"  # files of compilations that have not come to their end
UNPROCESSED = ".s"
ASSEMBLY = (".s", ".S")
OTHER_ASSEMBLER = "-fno-integrated-as"
_DEPTH = 8  # of macros that name macros, and of texts that include texts


@dataclass(frozen=True)
class Inputs:
    paths: Sequence[str]  # without the source
    doubt: str = ""  # why there may be more
    by_assembler: bool = False  # the assembler reads some


@dataclass(frozen=True)
class InputFinder:
    """Of one compilation that went well."""

    recipe: Recipe
    job: Job
    depfile: str
    mentions: Callable[[Iterable[str]], Mapping[str, tuple[str, ...]]]  # of sources and headers
    run: Callable[[Sequence[str]], Finished]

    def find(self) -> Inputs:
        try:
            headers = read_headers(self.depfile, self.job.source)
        except (OSError, ValueError):
            if not self.job.source.endswith(UNPROCESSED):
                return Inputs((), "the compiler did not say which headers it read")
            headers = []
        doubt = f"it is not known where {self.recipe.unfollowed} leads" if self.recipe.unfollowed else ""
        absent = next((path for path in headers if not os.path.exists(path)), None)
        if absent is not None:  # it was removed, or the compiler garbled its name
            doubt = doubt or f"the compiler read {absent}, which is not there"
        if self.recipe.lists_apart:
            return Inputs(headers, doubt)  # nasm's list has all
        texts = [self.job.source, *headers]
        found = self.mentions(texts)
        paths, by_assembler = dict.fromkeys(headers), False
        for path, mentioned in found.items():
            if STAMP in mentioned:
                doubt = doubt or f"{path} has its date in it: __TIMESTAMP__"
            for question in questions(mentioned):
                asked = self._followed(question, texts)
                if asked is None:
                    doubt = doubt or f"{path} asks for headers by a macro that is not followed: {question.name}"
                for each in asked or ():
                    paths.update(dict.fromkeys(self._candidates(each, texts)))
        if any(ASSEMBLER in mentioned for mentioned in found.values()) or _names_assembler(self.recipe.words):
            named = self._assembler_files()
            if named is None:
                doubt = doubt or "it has .incbin or .include with a name that is not followed"
            paths.update(dict.fromkeys(named or ()))
            by_assembler = named is None or bool(named)
        paths.pop(self.job.source, None)
        return Inputs(list(paths), doubt, by_assembler)

    # What texts ask for.

    def _candidates(self, question: Question, texts: Iterable[str]) -> Iterator[str]:
        """Everywhere that it may be looked for. It is not known which forms of a question search which folders."""
        if os.path.isabs(question.name):
            yield question.name
            return
        beside = dict.fromkeys(map(os.path.dirname, texts)) if question.quoted else ()
        for folder in (*beside, *self.recipe.search):
            yield os.path.join("" if folder == os.curdir else folder, question.name)

    def _followed(self, question: Question, texts: Sequence[str], depth: int = _DEPTH) -> list[Question] | None:
        """What a macro stands for, in all its definitions, or is called with; None: that is not known."""
        if question.unknown or not depth:
            return None
        if not question.macro and not question.calls:
            return [question]
        lines = [joined(_content(path)) for path in texts]
        by_flags = self._by_flags(question.name)
        if by_flags is None or (question.calls and by_flags):
            return None
        if question.calls:
            asked = [each for text in lines for each in calls(question.name, text)]
        else:
            values = [*by_flags, *(value for text in lines for value in definitions(question.name, text))]
            asked = [_valued(value) for value in values] or [Question(question.name, unknown=True)]
        found: list[Question] = []
        for each in dict.fromkeys(asked):
            inside = self._followed(each, texts, depth - 1)
            if inside is None:
                return None
            found += inside
        return found

    def _by_flags(self, macro: str) -> list[str] | None:
        """What flags define a macro as; None: they name it in another way."""
        values, before = [], ""
        for word in expanded(self.recipe.words):
            name, _, value = (word if before == "-D" else word.removeprefix("-D")).partition("=")
            if name == macro and value and (before == "-D" or word.startswith("-D")):
                values.append(value)
            elif re.search(rf"(?<!\w){re.escape(macro)}(?!\w)", word):
                return None
            before = word
        return values

    # What the assembler reads.

    def _assembler_files(self) -> list[str] | None:
        """Everywhere that it may look for them; None: not all names are known."""
        text = self._assembly()
        if text is None:
            return None
        found: dict[str, None] = {}
        waiting, seen = [text], 0
        while waiting:
            payloads, texts, unknown = assembler_inputs(waiting.pop())
            seen += 1
            if unknown or seen > 1000 or ((payloads or texts) and leads_assembler(self.recipe.words)):
                return None
            for name in (*payloads, *texts):
                folders = dict.fromkeys(("", *self.recipe.search))
                places = [os.path.join("" if folder == os.curdir else folder, name) for folder in folders]
                if not any(map(os.path.isfile, places)):
                    return None  # it was found elsewhere
                fresh = [path for path in places if path not in found and os.path.isfile(path)]
                waiting += [_content(path) for path in fresh if name in texts]
                found.update(dict.fromkeys(places))
        return list(found)

    def _assembly(self) -> bytes | None:
        """The text that the assembler gets."""
        source, output = self.job.source, f"{self.job.target}.list{PART}"
        if source.endswith(UNPROCESSED) and not os.path.exists(self.depfile):
            return _content(source)
        try:
            if source.endswith(ASSEMBLY):
                done = self.run(self.recipe.earlier(source, output, "-E"))
            else:  # clang's own assembler would put in what it reads
                done = self.run(self.recipe.earlier(source, output, "-S", OTHER_ASSEMBLER))
                if done.status and OTHER_ASSEMBLER in done.output:  # gcc has no other
                    done = self.run(self.recipe.earlier(source, output, "-S"))
            return _content(output) if done.status == 0 else None
        finally:
            Path(output).unlink(missing_ok=True)


def _names_assembler(words: Iterable[str]) -> bool:
    return any("incbin" in word.lower() or ".include" in word for word in words)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""



def _valued(value: str) -> Question:
    """What a macro's value asks for."""
    if re.fullmatch(r"<[^>]+>|\"[^\"]+\"", value):
        return Question(value[1:-1], value[0] == '"')
    return Question(value, macro=True) if re.fullmatch(r"[A-Za-z_]\w*", value) else Question(value, unknown=True)
