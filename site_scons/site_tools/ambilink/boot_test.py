"""BootTest: boot an image; the console and the verdict are the target.

    BootTest(target, image, expect=None, machine="emulator", timeout=20, memory=128)

    expect    file of lines that must come on the console, in this order

A boot that fails fails the build, and leaves no target. With nothing changed the verdict stands.
"""

import sys

from SCons.Builder import Builder

from ambilink_scons.compiling import late_command, message


def _generate_boot(source, target, env, for_signature):
    settings = env["AMBILINK_BOOT"]
    line = [sys.executable, "-m", "ambilink", "boot", str(source[0]), "--log", str(target[0])]
    line += ["--machine", settings["machine"], "--timeout", str(settings["timeout"]), "--memory", str(settings["memory"])]
    if settings["expect"] is not None:
        line += ["--expect", str(settings["expect"])]
    return line


def _boot_test(env, target, image, expect=None, machine="emulator", timeout=20, memory=128):
    context = env["AMBILINK"]
    expect = env.File(expect).srcnode() if expect is not None else None
    settings = {"expect": expect, "machine": machine, "timeout": timeout, "memory": memory}
    nodes = env.AmbilinkBoot(context.file(env, target), image, AMBILINK_BOOT=settings)
    env.Depends(nodes, [*([expect] if expect else []), *context.tool_files])
    context.boot_tests += nodes
    return nodes


def add_builders(env):
    env["BUILDERS"]["AmbilinkBoot"] = Builder(action=late_command(env, "AMBILINK_BOOT_LINE", _generate_boot, **message(env, "BOOT")))
    env.AddMethod(_boot_test, "BootTest")
