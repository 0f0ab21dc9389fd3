"""Sources of a unit."""

from collections.abc import Sequence

from ambilink.scons.api import UserError
from ambilink.scons.location import SourceLocation


def refuse_none(sources: Sequence[object], location: SourceLocation, title: str) -> None:
    if not sources:
        raise UserError(f"{location}: {title} has no sources; give it sources (does a Glob() find nothing?)")
