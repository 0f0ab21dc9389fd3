"""ABI text: what a shared object exports, sorted; and its comparison with the text that was checked in."""

from pathlib import Path

from ambilink.elf.abi import Abi, abi_changes, load_abi, read_abi
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.scons.api import Environment, Nodes
from ambilink.scons.kinds.kind import ELF_CODE, Kind, unit_of
from ambilink.scons.steps import FunctionStep
from ambilink.scons.units import Library


def _write(target: Nodes, source: Nodes, env: Environment) -> None:
    write_atomically(Path(str(target[0])), read_abi(Path(str(source[0]))).text.encode())


def _check(target: Nodes, source: Nodes, env: Environment) -> None:
    new, golden = (Path(str(node)) for node in source)
    keep_golden(unit_of(env), golden, load_abi(new))
    write_atomically(Path(str(target[0])), new.read_bytes())


def keep_golden(library: Library, golden: Path, new: Abi) -> None:
    """Raise AmbilinkError if the text that was checked in says otherwise."""
    changes = abi_changes(load_abi(golden), new)
    if not changes:
        return
    lines = "\n".join(f"  {change.text}" for change in changes)
    breaks = any(not change.compatible for change in changes)
    effect = "may fail" if breaks else "still work"
    raise AmbilinkError(
        library.shared,
        f"its ABI differs from {golden} [{library.location}]:\n{lines}\n  programs that were linked before {effect}",
        "if that is meant, `scons abi-update` writes the new one",
    )


ABI_TEXT = Kind[Library](
    path=lambda context, library: f"{context.library_path(library)}.abi",
    step=FunctionStep(_write, "ABI", code=ELF_CODE),
)
PRELIMINARY_ABI_TEXT = Kind[Library](
    path=lambda context, library: f"obj/{library.name}/preliminary/lib{library.name}.abi",
    step=FunctionStep(_write, "ABI", code=ELF_CODE),
)
CHECKED_ABI = Kind[Library](
    path=lambda context, library: f"obj/{library.name}/abi.checked",
    step=FunctionStep(_check, "CHECK", code=ELF_CODE),
)
