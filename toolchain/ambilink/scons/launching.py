"""Compiler launchers: programs that are given a whole compile command and run it somewhere else, or remember it."""

import os
import shlex
import shutil
from collections.abc import MutableMapping
from pathlib import Path

from ambilink.compile.identity import behind, digest_of, files_among, identity_of, scripts_of
from ambilink.compile.toolset import places_before
from ambilink.files import write_atomically
from ambilink.scons.api import UserError
from ambilink.scons.context import Context

KNOWN = ("ccache", "sccache", "distcc", "icecc", "recc")
# Where they find their servers, their folders and their settings. SCons gives commands an environment of its own.
VARIABLES = ("CCACHE_", "SCCACHE_", "DISTCC_", "ICECC_", "RECC_")


def add_launcher(context: Context, launcher: str, environment: MutableMapping[str, str]) -> None:
    """Every compilation is started by `launcher`: a name in PATH, or a path; more words are handed on."""
    try:
        words = shlex.split(launcher)
    except ValueError as error:
        raise UserError(f"launcher={launcher}: {error}; quote it as a shell would want it") from error
    program = shutil.which(words[0], path=environment.get("PATH")) if words else None
    if program is None:
        missing = words[0] if words else "an empty name"
        raise UserError(f"launcher={launcher}: {missing} is not there; install it, or choose one of {', '.join(KNOWN)}")
    context.launcher = [program, *words[1:]]
    _identify(context, environment.get("PATH"))
    for name, value in os.environ.items():
        if name.startswith(VARIABLES):
            environment[name] = value
    if len(context.toolset.cc) > 1:
        context.compiler = [_one_program(context)]
        # The script is younger than the compiler, and says which one it starts.
        environment.setdefault("CCACHE_COMPILERCHECK", "content")


def _identify(context: Context, path: str | None) -> None:
    """A launcher that is not known may change what compilers make; then another one is another command."""
    words = context.launcher
    files = [os.path.normpath(each) for each in (*places_before(words[0], path), *files_among(words))]
    context.launcher_files = list(dict.fromkeys(files))
    if os.path.basename(words[0]) not in KNOWN or scripts_of(words):
        context.launcher_identity = f"{identity_of(words)} {identity_of(behind(words)[0])}".rstrip()
        digests = [digest_of(each) for each in files_among(words)]
        context.launcher_words = [" ".join(["launcher", *map(os.path.basename, words), *digests])]


def _one_program(context: Context) -> str:
    """Launchers take the first word for the compiler and the others for its arguments: `zig clang` becomes one."""
    path = Path(context.state, "clang")
    script = f"#!/bin/sh\n# {' '.join(context.version_words)}\nexec " + shlex.join(context.toolset.cc) + ' "$@"\n'
    if not path.is_file() or path.read_text() != script:
        write_atomically(path, script.encode())
        path.chmod(0o755)
    return str(path)
