"""Sources of a unit."""

from collections.abc import Sequence

from ambilink.compile.languages import LANGUAGES, READY, language_of
from ambilink.scons.api import UserError
from ambilink.scons.location import SourceLocation


def refuse_none(sources: Sequence[object], location: SourceLocation, title: str) -> None:
    if not sources:
        raise UserError(f"{location}: {title} has no sources; give it sources (does a Glob() find nothing?)")


def is_ready(path: str) -> bool:
    """An object or an archive."""
    return path.endswith(READY)


def refuse_unknown(paths: Sequence[str], location: SourceLocation, title: str) -> None:
    for path in paths:
        if language_of(path) is None and not is_ready(path):
            known = " ".join([*LANGUAGES, *READY])
            raise UserError(f"{location}: {title} has the source {path}, whose suffix says no language; known: {known}")
