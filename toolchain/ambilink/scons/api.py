"""What this tool uses of SCons, with types: SCons has none of its own. Only this module, tasks.py and script_errors.py
import SCons."""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeAlias, cast

import SCons
import SCons.CacheDir
import SCons.Defaults
import SCons.Node
import SCons.Node.Alias
import SCons.Node.FS
import SCons.PathList
import SCons.Script
import SCons.Script.Main
import SCons.Subst
import SCons.Util
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import UserError
from SCons.Scanner import Base as Scanner

__all__ = ["SCONS", "Action", "Builder", "CacheDir", "Scanner", "UserError", "Variables"]

DEFAULT_MAX_DRIFT = SCons.Node.FS.default_max_drift
SCONS = f"{os.path.dirname(SCons.__file__)}{os.sep}"  # the folder of its code


class Node(Protocol):
    """A file, a folder, an alias or a value."""

    path: str  # from the top, where it lies below it
    abspath: str
    name: str
    dir: "Folder"
    always_build: bool
    side_effect: bool
    attributes: Any
    sources: list["Node"]
    depends: list["Node"]

    def srcnode(self) -> "Node": ...
    def rfile(self) -> "Node": ...
    def disambiguate(self) -> "Node": ...
    def has_builder(self) -> bool: ...
    def exists(self) -> bool: ...
    def get_state(self) -> int: ...
    def get_csig(self) -> str: ...
    def get_stored_info(self) -> Any: ...
    def get_binfo(self) -> Any: ...
    def get_cachedir_bsig(self) -> str: ...
    def get_internal_path(self) -> str: ...
    def build(self, *, presub: int, execute: int) -> None: ...
    def children(self) -> list["Node"]: ...
    def set_always_build(self, value: bool) -> None: ...


class Folder(Node, Protocol):
    fs: "FileSystem"
    entries: Mapping[str, Node]

    def srcnode(self) -> "Folder": ...
    def get_all_rdirs(self) -> list["Folder"]: ...
    def getRepositories(self) -> list["Folder"]: ...
    def File(self, name: str) -> Node: ...
    def Dir(self, name: str) -> "Folder": ...
    def Entry(self, name: Any) -> Node: ...


class FileSystem(Protocol):
    Root: Mapping[str, Any]
    Top: Folder
    File: Callable[..., Node]
    Dir: Callable[..., Folder]
    Entry: Callable[..., Any]


class Environment(Protocol):
    """A construction environment."""

    fs: FileSystem

    def __getitem__(self, name: str) -> Any: ...
    def __setitem__(self, name: str, value: Any) -> None: ...
    def get(self, name: str, default: Any = None) -> Any: ...
    def Override(self, variables: Mapping[str, Any]) -> "Environment": ...
    def subst(self, value: Any) -> Any: ...
    def subst_list(self, value: Any) -> list[list[Any]]: ...
    def SetDefault(self, **variables: Any) -> None: ...
    def PrependENVPath(self, name: str, path: str) -> None: ...
    def AddMethod(self, function: Callable[..., Any], name: str) -> None: ...
    def CacheDir(self, path: str, kind: type) -> None: ...
    def GetOption(self, name: str) -> Any: ...
    def SetOption(self, name: str, value: Any) -> None: ...
    def arg2nodes(self, values: Any, make: Callable[..., Node]) -> list[Node]: ...
    def File(self, name: Any, folder: Folder | None = None) -> Node: ...
    def Dir(self, name: Any, folder: Folder | None = None) -> Folder: ...
    def Value(self, value: str) -> Node: ...
    def Alias(self, name: str, targets: Any = None, action: Any = None) -> list[Node]: ...
    def AlwaysBuild(self, nodes: Any) -> list[Node]: ...
    def Clone(self, **variables: Any) -> "Environment": ...
    def Dictionary(self) -> Mapping[str, Any]: ...
    def SConscript(self, script: str, *, exports: Mapping[str, Any]) -> Any: ...
    def Clean(self, target: Any, files: Any) -> None: ...
    def Depends(self, target: Any, dependency: Any) -> None: ...
    def Ignore(self, target: Any, dependency: Any) -> None: ...
    def Local(self, *targets: Any) -> None: ...
    def NoCache(self, nodes: Any) -> None: ...
    def Precious(self, nodes: Any) -> None: ...


Nodes: TypeAlias = Sequence[Node]

if TYPE_CHECKING:

    class CacheDir:
        config: dict[str, int]

        def is_enabled(self) -> bool: ...

    class Variables:
        options: list[Any]

        def __init__(self, files: Any = None, args: Any = None) -> None: ...
        def Add(self, key: Any, *words: Any) -> None: ...
        def UnknownVariables(self) -> Mapping[str, Any]: ...
        def GenerateHelpText(self, env: Any) -> str: ...
else:
    from SCons.CacheDir import CacheDir
    from SCons.Variables import Variables


def make_action(
    function: Callable[..., int | None],
    announce: Callable[..., str | None] | None,
    contents: Callable[..., bytes] | None = None,
) -> Any:
    """An action of a function: `announce` is what SCons prints, `contents` what it compares to see a change."""
    if announce is None:
        return Action(function, cmdstr=None)
    action = Action(function, strfunction=announce)
    if contents is not None:
        action.gc = contents  # SCons would look at the code of a class, which is the same for all its instances
    return action


def placed(node: Node) -> Node:
    """A file where it is: as it is where it is built, else beside the SConscript or in a repository."""
    return node if node.has_builder() else node.srcnode().rfile()


def placed_folders(node: Folder) -> list[Folder]:
    """A folder in all its places: where the sources are, in the variant folder, in repositories."""
    return list(dict.fromkeys(each for of in (node.srcnode(), node) for each in of.get_all_rdirs()))


def is_file(value: object) -> bool:
    return isinstance(value, SCons.Node.FS.File | SCons.Node.FS.Entry)


def is_folder(value: object) -> bool:
    return isinstance(value, SCons.Node.FS.Dir)


def is_node(value: object) -> bool:
    return isinstance(value, SCons.Node.Node)


def is_alias(value: object) -> bool:
    return isinstance(value, SCons.Node.Alias.Alias)


def is_sequence(value: object) -> bool:
    """What SCons flattens."""
    return bool(SCons.Util.is_Sequence(value))


def is_done(node: Node) -> bool:
    """Whether SCons looked at it in this build, and it is as it should be."""
    return node.get_state() in (SCons.Node.up_to_date, SCons.Node.executed)


def is_unchanged(node: Node) -> bool:
    return bool(node.get_state() == SCons.Node.up_to_date)


def aliases() -> list[Node]:
    return list(SCons.Node.Alias.default_ans.values())


def node_tables(env: Environment) -> list[MutableMapping[str, Node]]:
    """SCons' own tables of files and folders, by absolute path."""
    return [root._lookupDict for root in env.fs.Root.values()]


def all_files(env: Environment) -> Iterator[Node]:
    return (node for table in node_tables(env) for node in list(table.values()) if isinstance(node, SCons.Node.FS.File))


def all_folders(env: Environment) -> Iterator[Node]:
    return (node for table in node_tables(env) for node in list(table.values()) if is_folder(node))


def alias_names() -> list[str]:
    return list(SCons.Node.Alias.default_ans)


def is_made(env: Environment, path: str) -> bool:
    """Whether this build makes it, or something in it."""
    node = env.fs.Entry(path)
    if is_folder(node):  # each has a builder that makes the folder
        return next(built_below(node), None) is not None
    return bool(node.has_builder() or node.side_effect)


def is_present(env: Environment, path: str) -> bool:
    """As a file or folder, in a repository too: as a target it is up to date."""
    return bool(env.fs.Entry(path).rexists())


def built_below(folder: Any) -> Iterator[Node]:
    """Files below a folder that are made by this build."""
    if not is_folder(folder):
        return
    for name, node in list(folder.entries.items()):
        if name in (".", ".."):
            continue
        if is_folder(node):
            yield from built_below(node)
        elif node.has_builder():
            yield node


def command_line_arguments() -> Mapping[str, str]:
    return cast(Mapping[str, str], SCons.Script.ARGUMENTS)


def command_line_targets() -> list[str]:
    return list(map(str, SCons.Script.COMMAND_LINE_TARGETS))


def launch_folder() -> str:
    """Where SCons was started; with -u or -D not at the top."""
    return str(SCons.Script.GetLaunchDir())


def build_targets() -> list[str]:
    """Of the command line, else the default ones, as far as SConscripts were read."""
    return list(map(str, SCons.Script.BUILD_TARGETS))


_errors: list[UserError] = []  # for which SCons ended


def build_went_well() -> bool:
    main = SCons.Script.Main
    return not bool(main.exit_status or SCons.Script.GetBuildFailures() or main.print_objects or _errors)


def report_alone(folder: str) -> None:
    """A UserError that code below `folder` raises is reported by its message alone. SCons adds a line that names the
    innermost code outside SCons, which would be this tool's, not the user's."""
    main = SCons.Script.Main
    usual = main._scons_user_error
    if getattr(usual, "is_ours", False):
        return

    def report(error: UserError) -> None:
        _errors.append(error)
        frame = main.find_deepest_user_frame(traceback.extract_tb(error.__traceback__))
        if main.print_stacktrace or not frame[0].startswith(folder):
            usual(error)
        sys.stderr.write(f"\nscons: *** {error}\n")
        sys.exit(2)

    report.is_ours = True  # type: ignore[attr-defined]
    main._scons_user_error = report


def unwrapped(stream: TextIO) -> TextIO:
    """A standard stream below what SCons puts round it, which hides that its reader is gone."""
    return stream.file if isinstance(stream, SCons.Util.Unbuffered) else stream


def built_file(env: Environment, path: str) -> Node | None:
    """The node of a file, by its path from the top, that is there or is built."""
    try:
        node = env.File(path if os.path.isabs(path) else f"#{path}")
    except TypeError:  # a folder
        return None
    return node if node.has_builder() or node.exists() else None


def signature_of_file(path: str) -> str:
    return str(SCons.Util.hash_file_signature(path))


def cache_is_shown() -> bool:
    """--cache-show: what is taken from the cache is announced as if it were made."""
    return bool(SCons.CacheDir.cache_show)


def signature_of_text(text: str) -> str:
    return str(SCons.Util.hash_signature(text))


def process_defines(value: Any) -> list[str]:
    """CPPDEFINES, in any of its forms, as NAME or NAME=VALUE."""
    return [str(each) for each in SCons.Defaults.processDefines(value)]


def path_list(env: Environment, value: Any) -> list[Any]:
    """CPPPATH, LIBPATH: variables expanded; a string may name several folders, as the PATH does."""
    return list(SCons.PathList.PathList(value).subst_path(env, None, None))


def escape_words(env: Environment, value: Any) -> str:
    """The line that SCons would give to a shell for a variable's words."""
    lines = env.subst_list(value)
    return " ".join(word for line in lines for word in SCons.Subst.escape_list(line, shlex.quote))
