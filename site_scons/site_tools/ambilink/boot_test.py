"""BootTest: boot an image; the console and the verdict are the target.

    BootTest(target, image, expect=None, machine="emulator", timeout=20, memory=128)

    expect    file of lines that must come on the console, in this order

A boot that fails fails the build, and leaves no target. With nothing changed the verdict stands: it is
printed with its time at the end of the build.
"""

import atexit
import sys
import time
from pathlib import Path

from ambilink_scons.compiling import command_action
from SCons.Builder import Builder


def _boot_words(source, target, env):
    settings = env["AMBILINK_BOOT"]
    line = [sys.executable, "-m", "ambilink", "boot", str(source[0]), "--log", str(target[0])]
    line += [
        "--machine",
        settings["machine"],
        "--timeout",
        str(settings["timeout"]),
        "--memory",
        str(settings["memory"]),
    ]
    if settings["expect"] is not None:
        line += ["--expect", str(settings["expect"])]
    return line


def _print_standing_verdicts(context):
    import SCons.Node

    for node in context.boot_tests:
        path = Path(node.abspath)
        if node.get_state() == SCons.Node.up_to_date and path.is_file():
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
            verdict = path.read_text().rstrip().splitlines()[-1]
            print(f"{verdict} ({when}; nothing changed since, `scons boot` boots again)")


def _boot_test(env, target, image, expect=None, machine="emulator", timeout=20, memory=128):
    context = env["AMBILINK"]
    expect = env.File(expect).srcnode() if expect is not None else None
    settings = {"expect": expect, "machine": machine, "timeout": timeout, "memory": memory}
    nodes = env.AmbilinkBoot(context.file(env, target), image, AMBILINK_BOOT=settings)
    env.Depends(nodes, [*([expect] if expect else []), *context.tool_files])
    if not context.boot_tests:
        atexit.register(_print_standing_verdicts, context)
    context.boot_tests += nodes
    return nodes


def add_builders(env):
    env["BUILDERS"]["AmbilinkBoot"] = Builder(action=command_action(_boot_words, "BOOT"))
    env.AddMethod(_boot_test, "BootTest")
