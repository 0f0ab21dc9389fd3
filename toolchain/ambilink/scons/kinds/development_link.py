"""Development link: `libm.so` beside `libm.so.0`, the name by which people and other linkers know the library."""

import os
from pathlib import Path

from ambilink.scons.api import Environment, Nodes
from ambilink.scons.context import Context
from ambilink.scons.kinds.kind import Kind
from ambilink.scons.steps import FunctionStep
from ambilink.scons.units import Library


def development_name(context: Context, library: Library) -> str:
    return f"{context.places.library_prefix}{library.name}{context.places.shared_suffix}"


def _write(target: Nodes, source: Nodes, env: Environment) -> None:
    link = Path(str(target[0]))
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.basename(str(source[0])))
    os.replace(temporary, link)


DEVELOPMENT_LINK = Kind[Library](
    path=lambda context, library: f"{context.places.libraries}/{development_name(context, library)}",
    step=FunctionStep(_write, "LINK"),
)
