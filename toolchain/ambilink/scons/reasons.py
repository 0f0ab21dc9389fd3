"""Why SCons makes a target again, by what it remembers of the last time."""

from typing import Any

from ambilink.scons.api import Node
from ambilink.scons.tasks import has_changed, reason_of

NEVER_BUILT = "it was never built"


def why(node: Node) -> tuple[list[str], list[str]]:
    """Reasons in words, and the files that changed."""
    stored = node.get_stored_info()
    if stored is None or not hasattr(stored.binfo, "bactsig"):
        return [NEVER_BUILT], []
    old = stored.binfo
    try:
        old.prepare_dependencies()
        names = [*old.bsources, *old.bdepends, *old.bimplicit]
        signatures = [*old.bsourcesigs, *old.bdependsigs, *old.bimplicitsigs]
    except AttributeError:
        return [NEVER_BUILT], []
    before = {_name(name, node): signature for name, signature in zip(names, signatures, strict=False)}
    children = {str(child): child for child in node.children()}
    reasons: list[str] = []
    causes: list[str] = []
    for name, child in children.items():
        if name not in before:
            reasons.append(f"{name} is needed now")
            causes.append(name)
        elif has_changed(child, node, before[name]):
            reasons.append(f"{name} changed")
            causes.append(name)
    reasons += [f"{name} is not needed any more" for name in before if name not in children]
    if not reasons and node.always_build:
        reasons.append(reason_of(node) or "it is always built")
    if not reasons and old.bactsig != node.get_binfo().bactsig:
        reasons.append("its command changed")
    return reasons or ["it was removed"], causes


def _name(child: Any, node: Node) -> str:
    """The stored form of a dependency as a path from the top."""
    return str(node.dir.Entry(child)) if hasattr(child, "dir") else str(child)
