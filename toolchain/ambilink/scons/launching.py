# mypy: ignore-errors
"""Compiler launchers: programs that are given a whole compile command and run it somewhere else, or remember it."""

import os
import shlex
import shutil
from pathlib import Path

from SCons.Errors import UserError

from ambilink.files import write_atomically

KNOWN = ("ccache", "sccache", "distcc", "icecc", "recc")
# Where they find their servers, their folders and their settings. SCons gives commands an environment of its own.
VARIABLES = ("CCACHE_", "SCCACHE_", "DISTCC_", "ICECC_", "RECC_")


def add_launcher(context, launcher, environment):
    """Every compilation is started by `launcher`: a name in PATH, or a path; more words are handed on."""
    words = shlex.split(launcher)
    program = shutil.which(words[0], path=environment.get("PATH"))
    if program is None:
        raise UserError(
            f"launcher={launcher}: {words[0]} is not there; install it, or choose one of {', '.join(KNOWN)}"
        )
    context.launcher = [program, *words[1:]]
    for name, value in os.environ.items():
        if name.startswith(VARIABLES):
            environment[name] = value
    if len(context.compiler) > 1:
        context.compiler = [_one_program(context)]
        # The script is younger than the compiler, and says which one it starts.
        environment.setdefault("CCACHE_COMPILERCHECK", "content")


def _one_program(context):
    """Launchers take the first word for the compiler and the others for its arguments: `zig clang` becomes one."""
    path = Path(context.state, "clang")
    script = f"#!/bin/sh\n# {' '.join(context.version_words)}\nexec " + shlex.join(context.compiler) + ' "$@"\n'
    if not path.is_file() or path.read_text() != script:
        write_atomically(path, script.encode())
        path.chmod(0o755)
    return str(path)
