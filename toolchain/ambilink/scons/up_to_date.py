"""What a build depended on, gathered from SCons, from the object stores and from what SConscripts looked at, for the
up-to-date record. An SConstruct may have several contexts; there is one record for all of them."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ambilink.incremental import up_to_date
from ambilink.incremental.reading import READING
from ambilink.incremental.watching import BuildInputs
from ambilink.scons.api import aliases, all_files, all_folders, build_went_well, is_done, launch_folder
from ambilink.scons.context import Context
from ambilink.scons.object_set import ObjectSet

HIDDEN = (".git", ".venv", ".ambilink", "__pycache__")


def leave_record(contexts: Sequence[Context], message: Sequence[str]) -> None:
    """Write the up-to-date record, if this build went well and the same command would have nothing to do."""
    top = contexts[0].top
    if not READING.complete or READING.started or launch_folder() != top:
        return
    if not all(map(_nothing_left, contexts)):
        return
    files: set[str] = set()
    for context in contexts:
        found = _files(context)
        if found is None:
            return
        files |= found
    files.update(map(contexts[0].from_top, READING.files))
    folders = {folder for context in contexts for folder in _folders(context, files)}
    folders.update(map(contexts[0].from_top, READING.folders))
    variables, whole = READING.variables, READING.whole_environment
    up_to_date.write(top, sys.argv[1:], list(message), files, folders, variables, whole)


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
    folders = {folder for context in contexts for folder in _folders(context, files)}
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


def _files(context: Context) -> set[str] | None:
    """Every file that was read, made, or looked for; None if one changed while the build ran."""
    read, made = _read_and_made(context)
    if any(context.store.doubtful(each.paths) for each in context.sets.values() if is_done(each.node)):
        return None
    for path in {*read, *map(context.from_top, READING.files)} - made:
        try:
            status = os.stat(path)
        except OSError:
            continue
        # Not st_mtime: sources may be dated in the future.
        if status.st_ctime > context.started:
            return None
    return read | made


def _leads_back(path: str) -> bool:
    """A link to a folder that it lies in."""
    if not os.path.islink(path):
        return False
    here = os.path.realpath(os.path.dirname(path))
    return f"{here}{os.sep}".startswith(os.path.join(os.path.realpath(path), ""))


def _folders(context: Context, files: set[str]) -> set[str]:
    """Folders in which a file that appears may matter: where sources and headers are, and are looked for."""
    build = context.from_top(context.build.dir.abspath)
    made = {build, context.from_top(context.build.abspath)}  # below the top, which may be searched for headers
    found: set[str] = set()
    for path in files:
        folder = os.path.dirname(path)
        if not (folder == build or folder.startswith(build + os.sep)):
            found.add(folder or ".")
    for each in context.sets.values():
        for folder in {folder for recipe in each.recipes.values() for folder in recipe.search}:
            found.add(folder)
            if not os.path.isabs(folder) and not folder.startswith(".venv"):
                for inside, names, _ in os.walk(folder, followlinks=True):
                    names[:] = [name for name in names if os.path.normpath(f"{inside}/{name}") not in made]
                    names[:] = [name for name in names if name not in HIDDEN and not _leads_back(f"{inside}/{name}")]
                    found.add(os.path.normpath(inside))
    for node in all_folders(context.env):  # folders that Glob() looked into
        path = context.from_top(node.abspath)
        if not os.path.isabs(path) and path != build and not path.startswith(build + os.sep):
            found.add(path)
    return {folder for folder in found if ".git" not in Path(folder).parts}
