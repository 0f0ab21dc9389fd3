"""Files that a profile asks for beside what SConscripts declare: the loader's symbols, the compiler's run-time."""

from pathlib import Path

from ambilink.compile.runtime import runtime_flags, write_runtime
from ambilink.compile.wheel import wheel_version
from ambilink.elf.abi import Abi, AbiSymbol
from ambilink.elf.stub import stub
from ambilink.files import write_atomically
from ambilink.scons.api import Builder, Environment, Node, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.steps import FunctionStep, watched

LOADER_SONAME = "loader-symbols"  # no output keeps it as DT_NEEDED


def add_profile_files(env: Environment, context: Context) -> None:
    programs, given = context.toolset.profile.programs, context.toolset.profile.language.runtime
    # A linker that sees no shared object at all takes an ET_EXEC for static, and binds undefined weak symbols to 0.
    if programs.loader_symbols or programs.dynamic == "exec":
        step = FunctionStep(_write_loader_stub, "STUB", version=_loader_symbols, code=("elf",))
        context.loader_stub = _make(env, context, step, f"stub/{LOADER_SONAME}.so")
    if given == "compiler":
        context.runtimes = {kernel: _runtime(env, context, kernel) for kernel in (False, True)}
    elif given != "none":
        context.runtimes = dict.fromkeys((False, True), env.File(given))


def _runtime(env: Environment, context: Context, kernel: bool) -> Node:
    target = context.toolset.target
    flags = " ".join([wheel_version(), *runtime_flags(target, kernel)])

    def write(made: Nodes, source: Nodes, env: Environment) -> None:
        write_runtime(target, kernel, Path(str(made[0])))

    step = FunctionStep(write, "RT", version=lambda env: flags)
    return _make(env, context, step, f"obj/runtime/{'kernels' if kernel else 'programs'}.a")


def _make(env: Environment, context: Context, step: FunctionStep, path: str) -> Node:
    node: Node
    (node,) = Builder(action=step.action(), target_scanner=watched())(env, context.output(path), [])
    env.Ignore(node.dir, node)  # made only where it is linked
    return node


def _loader_symbols(env: Environment) -> str:
    toolset = context_of(env).toolset
    return " ".join([toolset.target.machine, str(toolset.target.elf_flags), *toolset.profile.programs.loader_symbols])


def _write_loader_stub(target: Nodes, source: Nodes, env: Environment) -> None:
    toolset = context_of(env).toolset
    names = sorted({*toolset.profile.programs.loader_symbols})
    abi = Abi(LOADER_SONAME, (), (), tuple(AbiSymbol(name, kind="label") for name in names))
    write_atomically(Path(str(target[0])), stub(abi, toolset.target.machine, flags=toolset.target.elf_flags))
