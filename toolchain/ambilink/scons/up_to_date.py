# mypy: ignore-errors
"""What a build depended on, gathered from SCons and from the object store, for the up-to-date record."""

import os
import sys
from pathlib import Path

import SCons.Node
import SCons.Node.Alias
import SCons.Node.FS
import SCons.Script
import SCons.Script.Main

from ambilink.incremental import up_to_date

KNOWN_DONE = (SCons.Node.up_to_date, SCons.Node.executed)
HIDDEN = (".git", ".venv", "__pycache__")


def leave_record(context, message):
    """Write the up-to-date record, if this build went well and the same command would have nothing to do."""
    if not _nothing_left(context):
        return
    files = _files(context)
    if files is None:
        return
    folders = _folders(context, files)
    up_to_date.write(context.top, sys.argv[1:], message, files, folders)


def _nothing_left(context):
    option = context._env.GetOption
    if SCons.Script.Main.exit_status or SCons.Script.GetBuildFailures() or SCons.Script.Main.print_objects:
        return False
    if option("no_exec") or option("clean") or option("question") or option("help"):
        return False
    nodes = [*_scons_files(context), *SCons.Node.Alias.default_ans.values()]
    done = [node for node in nodes if node.get_state() in KNOWN_DONE]
    # What SConscripts want always built is never done.
    return (
        context.builds
        and bool(done)
        and not any(each.always_build and each not in context.stale_nodes for each in done)
    )


def _files(context):
    """Every file that was read, made, or looked for; None if one changed while the build ran."""
    made, read = set(), set()
    for node in _scons_files(context):
        path = context.from_top(node.abspath)
        if node.has_builder() or node.side_effect:
            if node.get_state() in KNOWN_DONE:
                made.add(path)
        else:
            read.add(path)
    for each in context.sets.values():
        if each.node.get_state() in KNOWN_DONE:
            made.update(each.paths)
            read.update(context.store.files_of(each.paths))
    read.update(context.from_top(module.__file__) for module in list(sys.modules.values()) if _has_file(module))
    read.update(map(context.from_top, context.toolset.files))
    read.update(["scons", "requirements.lock", "pyproject.toml"])
    for path in read - made:
        try:
            status = os.stat(path)
        except OSError:
            continue
        if max(status.st_mtime, status.st_ctime) > context.started:
            return None
    return read | made


def _has_file(module):
    return isinstance(getattr(module, "__file__", None), str)


def _scons_files(context):
    for node in list(context._env.fs.Root.values()):
        for child in list(node._lookupDict.values()):
            if isinstance(child, SCons.Node.FS.File):
                yield child


def _folders(context, files):
    """Folders in which a file that appears may matter: where sources and headers are, and are looked for."""
    build = context.from_top(context.build.dir.abspath)
    found = set()
    for path in files:
        folder = os.path.dirname(path)
        if not (folder == build or folder.startswith(build + os.sep)):
            found.add(folder or ".")
    for each in context.sets.values():
        for folder in each.recipe.search:
            found.add(folder)
            if not os.path.isabs(folder) and not folder.startswith(".venv"):
                for inside, names, _ in os.walk(folder):
                    names[:] = [name for name in names if name not in HIDDEN]
                    found.add(inside)
    for node in list(context._env.fs.Root.values()):  # folders that Glob() looked into
        for child in list(node._lookupDict.values()):
            if isinstance(child, SCons.Node.FS.Dir):
                path = context.from_top(child.abspath)
                if not os.path.isabs(path) and path != build and not path.startswith(build + os.sep):
                    found.add(path)
    return {folder for folder in found if not any(part in HIDDEN[:1] for part in Path(folder).parts)}
