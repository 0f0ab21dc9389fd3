"""BootTest."""

import shlex
import sys
from functools import cache
from typing import Annotated, Any

from ambilink.compile.profile import DEFAULT_PROFILE
from ambilink.files import as_argument
from ambilink.scons.api import Builder, Environment, Node, Nodes, placed
from ambilink.scons.arguments import Count, FirstFile, OptionalFile, Output, choice
from ambilink.scons.booting import refuse_other_processors
from ambilink.scons.builder import Call, builder
from ambilink.scons.context import Context
from ambilink.scons.stage import Console
from ambilink.scons.steps import CommandStep, watched

# What boots, of the package `ambilink`.
BOOTING = (
    *("bootimage", "machine", "verify", "verdict.py", "boot.py"),
    *("report", "report/page/style.css", "cli/boot.py", "cli/report.py"),
)
# Made beside the log, by the option that names each.
REPORTS = {"--record": ".json", "--html": ".html", "--junit": ".junit.xml", "--trace": ".trace.json"}


@builder("BootTest")
def boot_test(
    call: Call,
    target: Output,
    image: FirstFile,
    expect: OptionalFile = None,
    machine: Annotated[str, choice("emulator", "qemu")] = "emulator",
    timeout: Count = 20,
    memory: Count = 128,
    firmware: Annotated[str, choice("bios", "uefi")] = "bios",
) -> list[Node]:
    """A boot of an image, a kernel or an ISO. Its console and verdict are the target.

    Beside the target, as beside `boot.log`, lie `boot.html`, one page with all of it; `boot.json`, the record that the
    page was made of; `boot.junit.xml`; and `boot.trace.json`, the timeline for ui.perfetto.dev.

    The environment's profile says in its [verdict] table by what the boot passes or fails. Where it names no exit code
    and no text for a pass, the boot passes once all lines of `expect` have come.

    The console of one boot appears as it comes; those of boots that run beside it follow whole, each under its
    target's name. A boot that fails fails the build and says why (docs/emulator.md); its log and reports are there to
    be read. With nothing changed the verdict of one that passed stands: it is printed with its time at the end of the
    build.

    Returns a list of one node.

    target: file in the build folder.
    image: the boot image, as `BootImage` returns it, a kernel with a PVH note or a multiboot header, or an ISO.
    expect: a file of lines that must come on the console, in this order.
    machine: what boots it: the bundled emulator, or QEMU where it is installed.
    timeout: seconds until the boot is ended and has failed.
    memory: MiB of the machine.
    firmware: what boots an ISO in QEMU.
    """
    refuse_other_processors(call, f"boot {target!r}")
    env, context = call.env, call.context
    lines = placed(expect) if expect is not None else None
    words = ["--machine", machine, "--timeout", str(timeout), "--memory", str(memory)]
    words += ["--firmware", firmware] if firmware != "bios" else []
    profile = context.toolset.profile
    words += ["--profile", as_argument(profile.files[0])] if profile.name != DEFAULT_PROFILE else []
    words += ["--expect", as_argument(lines.path)] if lines is not None else []
    manifest = context.manifests.get(image)
    words += ["--manifest", as_argument(manifest.rfile().path)] if manifest is not None else []
    log, stem = context.file(target, call.location), target.removesuffix(".log")
    reports = [context.file(f"{stem}{ending}", call.location) for ending in REPORTS.values()]
    nodes: list[Node] = _builder()(env, [log, *reports], image, AMBILINK_BOOT=words)
    env.Precious(reports[0])  # its sizes are compared with those of the next boot
    env.NoCache(nodes)  # a verdict is of this machine
    env.Depends(nodes, [*(env.File(file) for file in profile.files), *context.code(*BOOTING)])
    env.Depends(nodes, [lines] if lines is not None else [])
    context.boot_tests += nodes[:1]
    return nodes[:1]


def _words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    image, log = as_argument(str(source[0])), as_argument(str(target[0]))
    line = [sys.executable, "-m", "ambilink", "boot", image, "--log", log]
    for option, node in zip(REPORTS, target[1:], strict=True):
        line += [option, as_argument(str(node))]
    return [*line, *env["AMBILINK_BOOT"]]


class BootStep(CommandStep):
    """Its console appears while it runs; where several boots run, each console comes whole, under its target's name."""

    failure = "the last boot failed"
    shows_itself = True

    def __init__(self) -> None:
        super().__init__(_words, "BOOT")

    def announcement(self, target: Nodes, source: Nodes, env: Environment) -> str:
        return ""  # the title of the console

    def make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        words = _words(target, source, env)
        console = Console(shlex.join(words) if env["AMBILINK_VERBOSE"] else f"  {self.word:<5} {target[0]}")
        try:
            done = context.slots.run(words, env["ENV"], follow=lambda line: context.stage.put(console, line))
        finally:
            context.stage.end(console)
        return done.status, console.last if done.status else ""


@cache
def _builder() -> Any:
    return Builder(action=BootStep().action(), target_scanner=watched())
