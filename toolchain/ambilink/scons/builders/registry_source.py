"""RegistrySource."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from ambilink.scons.api import Builder, Environment, Folder, Node, Nodes, UserError
from ambilink.scons.arguments import Name, OptionalOutput, Text, Texts, choice
from ambilink.scons.builder import Call, builder
from ambilink.scons.steps import CommandStep, watched

# What fetches is a process of its own (python -m ambilink.registry): its libraries would cost each build their loading.
PACKAGE = re.compile(r"(@[A-Za-z0-9._-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
LIST = ".unpacked"  # in the folder: what was unpacked, with digests


@dataclass(frozen=True)
class Source:
    """The record that RegistrySource returns."""

    files: Sequence[Node]
    folder: Folder
    node: Node


@builder("RegistrySource")
def registry_source(
    call: Call,
    name: Name,
    package: Text,
    version: Text,
    sha256: Text,
    files: Texts = (),
    registry: Annotated[str, choice("pypi", "npm")] = "pypi",
    folder: OptionalOutput = None,
) -> Source:
    """Sources of a third-party library, which a registry of packages keeps: they are fetched when something is built of
    them, and are never a part of your repository.

    A package is fetched once, into the cache folder (`$XDG_CACHE_HOME/ambilink/sources`), compared with its SHA-256
    before anything looks into it, and unpacked to `sources/<name>` in the build folder. Nothing of it is run. `pypi` is
    the index that pip is configured for, of which the sdist is taken; `npm` is what `npm pack` fetches. Where the
    environment variable `AMBILINK_SOURCES` names a folder of archives, these are taken instead, whatever their names.

    An archive with a member that leads outside, a missing file and a wrong digest are errors, and nothing is unpacked
    then. Links and devices in an archive are left out.

    Returns a record with `.files`, a list of nodes in the order of `files=`, `.folder`, where they lie, and `.node`,
    a list of all that was unpacked.

    name: of the folder in `sources`.
    package: its name in the registry.
    version: the exact version.
    sha256: of the archive.
    files: sources that declarations name, below `folder=`. Headers need not be listed: a source that searches the
        folder, or one below it, is compiled when they are there.
    registry: where the package is.
    folder: what is unpacked, from the folder at the archive's top; without it, all.
    """
    rules = (("package", package, PACKAGE), ("version", version, VERSION), ("sha256", sha256, SHA256))
    for key, value, pattern in rules:
        if not pattern.fullmatch(value):
            raise UserError(f"{call.location}: RegistrySource {name!r}: {key}= is {value!r}, which is no {key}")
    for key, paths in (("folder", [folder] if folder else []), ("files", files)):
        for path in paths:
            if not _is_inside(path):
                rule = "which is no path inside the archive: parts are joined by /, without . and .."
                raise UserError(f"{call.location}: RegistrySource {name!r}: {key}= has {path!r}, {rule}")
    context, top = call.context, f"sources/{name}"
    nodes = [context.file(f"{top}/{each}", call.location) for each in (LIST, *dict.fromkeys(files))]
    words = [registry, package, version, sha256, f"--folder={folder or ''}", *(f"--file={each}" for each in files)]
    settings = {**os.environ, **call.env["ENV"]}  # of the registries' clients: proxies, certificates, indexes
    made = _builder()(call.env, nodes, [], AMBILINK_REGISTRY=words, AMBILINK_AT=call.location, ENV=settings)
    call.env.NoCache(made)  # the folder has more files than are targets
    call.env.Precious(made)  # the folder is replaced as a whole
    call.env.Depends(made, context.code("registry"))
    call.env.Clean(made, context.build.Dir(top))
    context.fetched[made[0]] = context.build.Dir(top)
    by_name = dict(zip(dict.fromkeys(files), made[1:], strict=True))
    return Source([by_name[each] for each in files], context.build.Dir(top), made[0])


def _is_inside(path: str) -> bool:
    return not any(part in ("", ".", "..") for part in path.split("/")) and "\\" not in path and ":" not in path


def _words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    return [sys.executable, "-m", "ambilink.registry", *env["AMBILINK_REGISTRY"], f"--list={target[0]}"]


def _explain(env: Environment, output: str) -> str:
    return f"{output.rstrip()} [{env['AMBILINK_AT']}]\n"


@cache
def _builder() -> Any:
    return Builder(action=CommandStep(_words, "FETCH", explain=_explain).action(), target_scanner=watched())
