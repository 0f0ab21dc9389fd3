"""Static archive: the objects of a library, for static programs."""

import os
import shutil
from pathlib import Path

from ambilink.elf.archive import members
from ambilink.files import as_argument, write_atomically
from ambilink.scons.api import Environment, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.archive_words import ARCHIVE
from ambilink.scons.kinds.kind import Kind
from ambilink.scons.steps import CommandStep
from ambilink.scons.units import Library, LibraryVariant

MEMBERS = ".members"  # a folder of what archives among the sources hold, while the library is archived


def _words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    # Deterministic (D), index written (s).
    context, name = context_of(env), str(target[0])
    objects: list[str] = []
    for number, path in enumerate(context.expand(source)):
        objects += list(_extracted(name, number, path)) if path.endswith(ARCHIVE) else [path]
    return [*context.toolset.ar, "rcsD", *map(as_argument, [name, *objects])]


def _extracted(target: str, number: int, archive: str) -> dict[str, bytes]:
    """Members of an archive among the sources, by where they are put: ar does not add archives to archives."""
    folder = f"{target}{MEMBERS}/{number}"
    found = enumerate(members(Path(archive)))
    return {f"{folder}/{place}/{os.path.basename(each.name) or 'member'}": each.data for place, each in found}


class _ArchiveStep(CommandStep):
    def __init__(self) -> None:
        super().__init__(_words, "AR")

    def make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        name = str(target[0])
        Path(name).unlink(missing_ok=True)  # ar would keep members of an old archive
        try:
            for number, path in enumerate(context.expand(source)):
                if path.endswith(ARCHIVE):
                    for place, data in _extracted(name, number, path).items():
                        write_atomically(Path(place), data)
            return super().make(target, source, env, context)
        finally:
            shutil.rmtree(f"{name}{MEMBERS}", ignore_errors=True)

    def wording(self, target: Nodes, source: Nodes, env: Environment) -> str:
        """Without what is in archives: those may not be made yet."""
        context = context_of(env)
        words = [*context.toolset.ar, "rcsD", str(target[0]), *context.expand(source)]
        return context.general(" ".join([*words, *context.version_words]))


VARIANT_ARCHIVE = Kind[LibraryVariant](path=lambda context, variant: context.variant_path(variant), step=_ArchiveStep())
STATIC_ARCHIVE = Kind[Library](
    path=lambda context, library: f"{context.library_path(library)}{context.places.static_suffix}",
    step=_ArchiveStep(),
)
