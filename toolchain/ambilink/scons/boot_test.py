# mypy: ignore-errors
"""BootTest: boot an image; the console and the verdict are the target.

    BootTest(target, image, expect=None, machine="emulator", timeout=20, memory=128)

    expect    file of lines that must come on the console, in this order

A boot that fails fails the build, and leaves no target. With nothing changed the verdict stands: it is
printed with its time at the end of the build.
"""

import sys

from ambilink.scons.steps import CommandStep, watched
from SCons.Builder import Builder

BOOTING = ("bootimage", "machine", "verify", "boot.py", "report/boot.py")  # what boots, of the package `ambilink`


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


def _boot_test(env, target, image, expect=None, machine="emulator", timeout=20, memory=128):
    context = env["AMBILINK"]
    expect = env.File(expect).srcnode() if expect is not None else None
    settings = {"expect": expect, "machine": machine, "timeout": timeout, "memory": memory}
    nodes = env.AmbilinkBoot(context.file(env, target), image, AMBILINK_BOOT=settings)
    env.NoCache(nodes)  # a verdict is of this machine
    env.Depends(nodes, [*([expect] if expect else []), *context.code(*BOOTING)])
    context.boot_tests += nodes
    return nodes


def add_builders(env):
    # The console appears while it runs.
    step = CommandStep(_boot_words, "BOOT", captured=False)
    env["BUILDERS"]["AmbilinkBoot"] = Builder(action=step.action(), target_scanner=watched())
    env.AddMethod(_boot_test, "BootTest")
