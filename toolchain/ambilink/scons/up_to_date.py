"""What a build depended on, gathered from SCons, from the object stores and from what SConscripts looked at, for the
up-to-date record. An SConstruct may have several contexts; there is one record for all of them."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ambilink.incremental import up_to_date
from ambilink.incremental.reading import READING
from ambilink.incremental.watching import BuildInputs
from ambilink.scons.api import aliases, all_files, all_folders, build_went_well, is_done, launch_folder
from ambilink.scons.context import Context
from ambilink.scons.object_set import ObjectSet
from ambilink.scons.tasks import database

UNSEARCHED = "__pycache__"  # no headers are kept there
AT_THE_TOP = (".git", ".venv")  # what changes there is no part of the project
MOST_OUTSIDE = 2000  # folders of headers outside the top


def leave_record(contexts: Sequence[Context], message: Sequence[str]) -> None:
    """Write the up-to-date record, if this build went well and the same command would have nothing to do."""
    top = contexts[0].top
    if not READING.complete or READING.untracked or launch_folder() != top:
        return
    if not all(map(_nothing_left, contexts)) or not all(context.follows_tools for context in contexts):
        return
    inputs = up_to_date.Inputs(READING.environment)
    made: set[str] = set()
    for context in contexts:
        if any(context.store.doubtful(each.paths) for each in context.sets.values() if is_done(each.node)):
            return
        read, written = _read_and_made(context)
        inputs.files |= read | written
        made |= written
    from_top = contexts[0].from_top
    inputs.files.update(map(from_top, READING.files))
    for context in contexts:
        found = _folders(context, inputs.files)
        if found is None:
            return
        inputs.folders |= found
    inputs.folders.update(map(from_top, READING.folders))
    builds = {context.from_top(context.build.dir.abspath) for context in contexts}
    inputs.files.update(_outside(builds, map(from_top, READING.system_files)))
    inputs.there.update(_outside(builds, map(from_top, READING.system_there)))
    inputs.links.update(map(from_top, READING.links))
    _add_links(inputs)
    if not _as_they_were(inputs, made, builds):
        return
    inputs.variables, inputs.whole_environment = READING.variables, READING.whole_environment
    up_to_date.write(top, sys.argv[1:], list(message), inputs)


def _within(folders: Iterable[str], path: str) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def _outside(builds: set[str], paths: Iterable[str]) -> Iterator[str]:
    """Without what builds make, and SCons' own records."""
    own = os.path.abspath(database())
    return (path for path in paths if not _within(builds, path) and os.path.abspath(path) != own)


def _add_links(inputs: up_to_date.Inputs) -> None:
    """Links that lie in the folders: what they lead to may appear without a change of the folder."""
    for folder in inputs.folders:
        try:
            with os.scandir(folder) as entries:
                links = [os.path.normpath(entry.path) for entry in entries if entry.is_symlink()]
        except OSError:
            continue
        for link in links:
            (inputs.there if os.path.isdir(link) else inputs.files).add(link)


def _as_they_were(inputs: up_to_date.Inputs, made: set[str], builds: set[str]) -> bool:
    """Nothing changed since this process began, apart from what it made."""
    since = READING.since
    made_at = {os.path.realpath(path) for path in made}
    folders = set(inputs.folders)
    for path in inputs.files - made:
        try:
            if os.lstat(path).st_ctime <= since >= os.stat(path).st_ctime:  # not st_mtime: it may be in the future
                continue
        except OSError:
            if not os.path.islink(path):
                folders.add(_nearest_folder(path))
            continue
        if os.path.realpath(path) not in made_at:
            return False
    for path in inputs.links:
        if os.path.islink(path) and os.lstat(path).st_ctime > since:
            return False
    around = {str(parent) for path in made for parent in Path(path).parents}
    known = made | around | builds | folders | {os.path.relpath(database())}  # folders are looked at, too
    return all(_within([*builds, ".venv"], folder) or _same_names(folder, known, since) for folder in folders)


def _nearest_folder(path: str) -> str:
    folder = os.path.dirname(path) or "."
    while folder != "." and not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    return folder


def _same_names(folder: str, known: set[str], since: float) -> bool:
    """Whether no more than the build's own files came or went in a folder since then."""
    try:
        if os.stat(folder).st_ctime <= since:
            return True
        with os.scandir(folder) as entries:
            names = {entry.name: entry.stat(follow_symlinks=False).st_ctime for entry in entries}
    except OSError:
        return True  # it was not there: the folder that it would lie in is looked at
    own = {name for name in names if name == UNSEARCHED or os.path.normpath(f"{folder}/{name}") in known}
    if folder == ".":
        return READING.top_names <= set(names) and set(names) - READING.top_names <= own
    young = {name for name, changed in names.items() if changed > since}
    return bool(young) and all(_only_compiled(f"{folder}/{name}", since) for name in young - own)


def _only_compiled(folder: str, since: float) -> bool:
    """Whether Python's cache is all that is new in a folder."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    with os.scandir(folder) as entries:
        young = {entry.name for entry in entries if entry.stat(follow_symlinks=False).st_ctime > since}
    return young == {UNSEARCHED}


def _nothing_left(context: Context) -> bool:
    option = context.env.GetOption
    if not build_went_well() or not context.checked:
        return False
    if option("no_exec") or option("clean") or option("question") or option("help"):
        return False
    done = [node for node in (*all_files(context.env), *aliases()) if is_done(node)]
    # What SConscripts want always built is never done.
    return bool(done) and not any(node.always_build and node not in context.stale_nodes for node in done)


def leave_inputs(contexts: Sequence[Context], path: Path) -> None:
    """What `ambilink watch` waits for a change of, after a build that went well or not."""
    files: set[str] = set()
    outputs: list[str] = []
    records: list[str] = []
    for context in contexts:
        read, made = _read_and_made(context)
        for each in context.sets.values():
            if not is_done(each.node):  # not even its headers may be known
                read.update(job.source for job in each.jobs)
                read.update(_headers(context, each))
        files |= read - made
        outputs += [step.target for step in context.journal.last(("AR", "LD", "PACK"))]
        records += [str(Path(node.path).with_suffix(".json")) for node in context.boot_tests]
    files.update(map(contexts[0].from_top, READING.files))
    folders = {folder for context in contexts for folder in _folders(context, files) or ()}
    folders.update(map(contexts[0].from_top, READING.folders))
    BuildInputs(frozenset(files), frozenset(folders), outputs, records, build_went_well()).write(path)


def _headers(context: Context, each: ObjectSet) -> Iterator[str]:
    """Files of the folders that its compilations search, as far as they are below the top."""
    folders = {folder for recipe in each.recipes.values() for folder in recipe.search}
    for folder in folders | {os.path.dirname(job.source) or "." for job in each.jobs}:
        if not os.path.isabs(folder) and os.path.isdir(folder):
            yield from (entry.path for entry in os.scandir(folder) if entry.is_file())


def _read_and_made(context: Context) -> tuple[set[str], set[str]]:
    """Every file that was read or looked for, and that was made."""
    made: set[str] = set()
    read: set[str] = set()
    for node in all_files(context.env):
        path = context.from_top(node.abspath)
        if node.has_builder() or node.side_effect:
            if is_done(node):
                made.add(path)
                read.update(context.links.files_of(node.path))
        else:
            read.add(path)
    for each in context.sets.values():
        if is_done(each.node):
            made.update(each.paths)
            read.update(context.store.files_of(each.paths))
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    read.update(context.from_top(file) for file in files if isinstance(file, str))
    read.update(map(context.from_top, context.tool_files))
    read.update(["scons", "requirements.lock", "pyproject.toml"])
    return read, made


def _leads_back(path: str) -> bool:
    """A link to a folder that it lies in."""
    if not os.path.islink(path):
        return False
    here = os.path.realpath(os.path.dirname(path))
    return f"{here}{os.sep}".startswith(os.path.join(os.path.realpath(path), ""))


def _folders(context: Context, files: set[str]) -> set[str] | None:
    """Folders in which a file that appears may matter: where sources and headers are, and are looked for. None: those
    outside the top are too many."""
    build = context.from_top(context.build.dir.abspath)
    made = {build, context.from_top(context.build.abspath)}  # below the top, which may be searched for headers
    found = {os.path.dirname(path) or "." for path in files if not _within([build], os.path.dirname(path))}
    outside: set[str] = set()
    for folder in {each for every in context.sets.values() for job in every.recipes.values() for each in job.search}:
        found.add(folder)
        for inside in _below(folder, made):
            found.add(inside)
            if os.path.isabs(inside):
                outside.add(inside)
                if len(outside) > MOST_OUTSIDE:
                    return None
    for node in all_folders(context.env):  # folders that Glob() looked into
        path = context.from_top(node.abspath)
        if not os.path.isabs(path) and not _within([build], path):
            found.add(path)
    return {folder for folder in found if not _within([".git"], folder)}


def _below(top: str, made: set[str]) -> Iterator[str]:
    """All folders in which a header may lie that is named from `top`."""
    if _within([".venv"], top):
        return
    for inside, names, _ in os.walk(top, followlinks=True):
        inside = os.path.normpath(inside)
        names[:] = [name for name in names if os.path.normpath(f"{inside}/{name}") not in made and name != UNSEARCHED]
        names[:] = [name for name in names if not _leads_back(f"{inside}/{name}")]
        if inside == ".":
            names[:] = [name for name in names if name not in AT_THE_TOP]
        yield inside
