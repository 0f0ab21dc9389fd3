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
from ambilink.incremental.mentions import ASSEMBLER, Question, assembler_inputs, definitions, questions
from ambilink.incremental.recipe import Job, Recipe
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
        if self.recipe.lists_apart:
            return Inputs(headers)  # nasm's list has all
        texts = [self.job.source, *headers]
        found = self.mentions(texts)
        paths, doubt, by_assembler = dict.fromkeys(headers), "", False
        for path, mentioned in found.items():
            for question in questions(mentioned):
                asked = self._followed(question, texts) if question.macro else [question]
                if asked is None:
                    doubt = f"{path} asks for headers by a macro that is not followed: {question.name}"
                for each in asked or ():
                    paths.update(dict.fromkeys(self._candidates(each, path)))
        if any(ASSEMBLER in mentioned for mentioned in found.values()) or _names_assembler(self.recipe.words):
            named = self._assembler_files()
            if named is None:
                doubt = doubt or "it has .incbin or .include with a name that is not followed"
            paths.update(dict.fromkeys(named or ()))
            by_assembler = named is None or bool(named)
        paths.pop(self.job.source, None)
        return Inputs(list(paths), doubt, by_assembler)

    # What texts ask for.

    def _candidates(self, question: Question, asker: str) -> Iterator[str]:
        """Where it is looked for, to the first that is there."""
        folders = [*([os.path.dirname(asker)] if question.quoted else []), *self.recipe.search]
        for folder in folders:
            path = os.path.join("" if folder == os.curdir else folder, question.name)
            yield path
            if os.path.isabs(question.name) or (os.path.isfile(path) and not question.passes):
                return

    def _followed(self, question: Question, texts: Sequence[str], depth: int = _DEPTH) -> list[Question] | None:
        """What a macro stands for, in all its definitions, or what it is a parameter for; None: that is not known."""
        data = [_content(path) for path in texts]
        values = [value for each in data for value in definitions(question.name, each)]
        prefix = f"-D{question.name}="
        values += [word[len(prefix) :] for word in self.recipe.words if word.startswith(prefix)]
        values += [value for each in data for value in _arguments(question.name, each, data)]
        found: list[Question] = []
        for value in values:
            value = re.sub(r"/\*.*?\*/|//.*", "", value).strip()
            if re.fullmatch(r"<[^>]+>|\"[^\"]+\"", value):
                found.append(Question(value[1:-1], value[0] == '"', question.passes))
            elif re.fullmatch(r"[A-Za-z_]\w*", value) and depth and value != question.name:
                inside = self._followed(Question(value, passes=question.passes, macro=True), texts, depth - 1)
                if inside is None:
                    return None
                found += inside
            else:
                return None
        return found or None

    # What the assembler reads.

    def _assembler_files(self) -> list[str] | None:
        """Everywhere that it may look for them; None: not all names are known."""
        text = self._assembly()
        if text is None:
            return None
        found: dict[str, None] = {}
        waiting, seen = [text], 0
        while waiting:
            payloads, texts, computed = assembler_inputs(waiting.pop())
            seen += 1
            if computed or seen > 1000:
                return None
            for name in (*payloads, *texts):
                for folder in ("", *self.recipe.search):
                    path = os.path.join("" if folder == os.curdir else folder, name)
                    if path not in found:
                        found[path] = None
                        waiting += [_content(path)] if name in texts else []
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


def _arguments(parameter: str, data: bytes, texts: Iterable[bytes]) -> list[str]:
    """Where a text defines a macro that asks for its parameter, what all the texts call it with."""
    name = rb"[ \t]*" + re.escape(parameter.encode()) + rb"[ \t]*"
    asking = rb"#[ \t]*define[ \t]+(\w+)\(" + name + rb"\)[^\n]*__has_\w+[ \t]*\(" + name + rb"\)"
    found: list[str] = []
    for macro in re.findall(asking, data):
        calls = re.compile(rb"(?<!\w)" + re.escape(macro) + rb"[ \t]*\(([^()\n]*)\)")
        for text in texts:
            for match in calls.finditer(text):
                if not re.search(rb"#[ \t]*define[ \t]+$", text[max(0, match.start() - 64) : match.start()]):
                    found.append(match[1].decode("utf-8", "surrogateescape").strip())
    return found
