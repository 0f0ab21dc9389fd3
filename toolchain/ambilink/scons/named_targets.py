"""Targets of the command line: libraries, services, kernels, modules and images by their names."""

import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import PurePath

from ambilink.scons.api import Node, UserError, alias_names, built_below, is_made, is_present
from ambilink.scons.command_line import options_help, refuse_unknown_options
from ambilink.scons.context import Context
from ambilink.scons.tasks import before_building, before_help
from ambilink.scons.units import Library, Program, Unit

NEAR = 3  # names that are proposed
_contexts: list[Context] = []


def add_named_targets(context: Context) -> None:
    """For all environments of a build, once SConscripts were read."""
    if not _contexts:
        before_building(_resolve)
        before_help(_help)
    _contexts.append(context)


def _help() -> str:
    names = "   ".join(sorted(alias_names()))
    targets = f"Targets: {names}{'; ' if names else ''}a library, a service, an image by its name"
    return f"\n{targets}\n\nOptions, as NAME=VALUE:\n{options_help(_contexts[0].env)}"


def _of_folder(folder: str) -> list[Node]:
    """What is declared in a folder or below, or of sources there."""
    here = os.path.normpath(folder)
    found = [node for context in _contexts for unit in context.units() if _lies_in(unit, here) for node in unit.outputs]
    found += [node for each in _contexts for node, manifest in each.manifests.items() if _is_below(manifest.path, here)]
    found += built_below(_contexts[0].env.fs.Dir(here))
    if not found:
        rule = "nothing is declared here, or has its sources here"
        raise UserError(f"{here}: {rule}; `scons -D` builds what `scons` builds at the top")
    return list(dict.fromkeys(found))


def _lies_in(unit: Unit, here: str) -> bool:
    sources = (job.source for each in unit.object_sets for job in each.jobs)
    return any(_is_below(path, here) for path in (unit.location.file, *sources))


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder + os.sep)


def _resolve(targets: Sequence[str], folder: str, whole_folder: bool) -> list[Node] | None:
    """Make an alias of each name that SCons does not know; `folder` is where paths are from."""
    refuse_unknown_options()
    for context in _contexts:  # now, when all is declared: SConscripts may say more after check()
        context.verify_files()
    for name in targets:
        env, path = _contexts[0].env, os.path.join(folder, name)
        if name in alias_names() or is_made(env, path):
            continue
        nodes = [node for context in _contexts for node in _nodes(context, name)]
        if nodes:
            env.Alias(name, nodes)
        elif not is_present(env, path):
            raise UserError(f"there is no target {name!r}; {_near(name)}")
    return _of_folder(folder) if whole_folder and os.path.normpath(folder) != os.curdir else None


def _nodes(context: Context, name: str) -> list[Node]:
    """What a name stands for: all forms of a library; a file of the build folder by its path there, or by its name."""
    named = [node for key, nodes in _units(context) if key == name for node in nodes]
    if named:
        return named
    files = {os.path.relpath(node.path, context.build.path): node for node in built_below(context.build)}
    if name in files:
        return [files[name]]
    return [node for path, node in files.items() if name in (os.path.basename(path), _image_name(path))]


def _units(context: Context) -> Iterator[tuple[str, list[Node]]]:
    """Names, and what they stand for. Several may have one name."""
    places = context.places
    for library in context.libraries.values():
        nodes = _forms(library)
        for prefix in ("", f"{places.libraries}/", "libs/", places.library_prefix):
            yield f"{prefix}{library.name}", nodes
        yield "libs", nodes
        for node in _present(library.static, library.shared):
            yield node.name, [node]
    for program in context.programs.values():
        for prefix in ("", "services/") if _is_service(program) else ("",):
            yield f"{prefix}{program.name}", _present(program.node)
        if _is_service(program):
            yield "services", _present(program.node)
    for name, module in context.modules.items():
        yield name, _present(module.node)
        yield f"modules/{name}", _present(module.node)
    for name, interpreter in context.interpreters.items():
        yield name, _present(interpreter.node)


def _is_service(program: Program) -> bool:
    return program.kind == Program.kind


def _forms(library: Library) -> list[Node]:
    variants = [variant.node for variant in library.variants.values()]
    return _present(library.static, library.shared, library.checked, *variants)


def _present(*nodes: Node | None) -> list[Node]:
    return [node for node in nodes if node is not None]


def _image_name(path: str) -> str:
    return PurePath(path).stem if path.endswith((".img", ".iso")) else ""


def _near(name: str) -> str:
    names = set(alias_names())
    for context in _contexts:
        names |= {key for key, _ in _units(context)}
        names |= {os.path.relpath(node.path, context.build.path) for node in built_below(context.build)}
    near = get_close_matches(name, names, NEAR) or get_close_matches(os.path.basename(name), names, NEAR)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "libraries, services and images are targets by their names, files by their paths"
