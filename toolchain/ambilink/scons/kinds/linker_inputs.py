"""What a linker reads beside objects and libraries: files that flags name, scripts with INCLUDE, response files, what
-l finds. What is named is a dependency like any other; the rest, which the linker lists itself, is looked at by
content."""

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ambilink.compile import linker_words
from ambilink.elf.archive import thin_members
from ambilink.incremental.depfile import prerequisites
from ambilink.scons.api import Node, UserError, built_file
from ambilink.scons.context import Context
from ambilink.scons.kinds.archive_words import ARCHIVE
from ambilink.scons.units import Unit
from ambilink.scons.wanted import kind_of

DEPENDENCIES = ".part.d"
NOTHING = "/dev/null"


def list_words(context: Context, target: str) -> list[str]:
    """By which the linker lists what it reads. Words after these may say another file."""
    return [f"--dependency-file={target}{DEPENDENCIES}"] if context.toolset.lists_inputs else []


def named_inputs(
    context: Context, unit: Unit, target: str, words: Sequence[str], archives: Iterable[str] = ()
) -> list[Node]:
    """Files that a link's words name, and those that it read the last time, where something makes them. `archives` are
    linked beside those."""
    expanded, responses = linker_words.expand(words)
    files = [*responses, *linker_words.named(expanded)[0]]
    for path in files:
        _refuse_endless(path, unit)
    if target not in context.links and os.path.exists(target) and _reads_more(expanded, [*files, *archives]):
        node = built_file(context.env, target)
        if node is not None:
            context.build_again(node, "what its linker read is not known any more")
    made = [path for path in context.links.files_of(target) if not os.path.exists(path)]
    nodes = (built_file(context.env, path) for path in dict.fromkeys([*files, *made]))
    return [node for node in nodes if node is not None]


def archives_of(unit: Unit, inputs: Sequence[Node]) -> Iterator[str]:
    """Among what is linked; few links ask for them."""
    for path in itertools.chain(map(str, inputs), (path for each in unit.object_sets for path in each.linked)):
        if path.endswith(ARCHIVE):
            yield path


def _reads_more(words: Sequence[str], files: Iterable[str]) -> bool:
    """Whether a linker may read what neither words nor scripts name: thin archives hold names of files alone."""
    return linker_words.searches(words) or any(thin_members(Path(path)) for path in files)


def _refuse_endless(path: str, unit: Unit) -> None:
    """What is no file has no end, or waits for one who writes."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and path != NOTHING:
        kind = kind_of(mode)
        raise UserError(f"{unit.location}: {unit.title} has {path} in its link flags, which is {kind}; name a file")


def note_inputs(context: Context, node: Node, words: Sequence[str], known: Iterable[str]) -> None:
    """Remember what a linker read that is no dependency of the output. Such an output is not cached: another checkout
    could not see whether those files are the same there."""
    expanded, responses = linker_words.expand(words[len(context.toolset.ld) :])
    named, absent = linker_words.named(expanded)
    read = [*responses, *named, *_listed(expanded)]
    seen = {os.path.normpath(path) for path in known}
    for archive in [path for path in [*seen, *read] if path.endswith(".a")]:
        read += thin_members(Path(archive))
    more = [path for path in dict.fromkeys(map(os.path.normpath, read)) if path not in seen and path != NOTHING]
    searched = linker_words.folders(expanded)
    for path in more:
        absent += linker_words.before(path, searched)
    context.links.note(node.path, [*more, *(path for path in absent if not os.path.exists(path))])
    if more:
        context.env.NoCache(node)


def _lists(words: Sequence[str]) -> list[str]:
    return [word.partition("=")[2] for word in words if word.startswith("--dependency-file=")]


def _listed(words: Sequence[str]) -> list[str]:
    for path in reversed(_lists(words)):
        with contextlib.suppress(OSError, ValueError):
            return prerequisites(Path(path).read_text(errors="surrogateescape"))
    return []
