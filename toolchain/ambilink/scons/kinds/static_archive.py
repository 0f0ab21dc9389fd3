"""Static archive: the objects of a library, for static programs."""

from pathlib import Path

from ambilink.scons.api import Environment, Nodes
from ambilink.scons.context import context_of
from ambilink.scons.kinds.kind import Kind
from ambilink.scons.steps import CommandStep
from ambilink.scons.units import Library


def _words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    # Deterministic (D), index written (s).
    context = context_of(env)
    return [*context.toolset.ar, "rcsD", str(target[0]), *context.expand(source)]


def _remove(target: Nodes, source: Nodes, env: Environment) -> None:
    """ar would keep members of an old archive."""
    Path(str(target[0])).unlink(missing_ok=True)


STATIC_ARCHIVE = Kind[Library](
    path=lambda context, library: f"{context.library_path(library)}{context.places.static_suffix}",
    step=CommandStep(_words, "AR", prepare=_remove),
)
