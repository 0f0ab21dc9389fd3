"""Declaring and compiling sets of objects. Which objects are out of date, the object store decides."""

import os
import shlex
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ambilink.compile.languages import Flags, Language, language_of
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.incremental.batch import Batch, Observer
from ambilink.incremental.cache import CompileKey
from ambilink.incremental.journal import Step
from ambilink.incremental.recipe import Job, Stale
from ambilink.incremental.slots import Finished, Stopped
from ambilink.scons import flags_refused, missing_headers
from ambilink.scons.api import (
    Builder,
    Environment,
    Node,
    Nodes,
    UserError,
    is_file,
    is_folder,
    make_action,
)
from ambilink.scons.context import Context, context_of, refuse_aside
from ambilink.scons.made_inputs import may_change
from ambilink.scons.object_set import ObjectSet
from ambilink.scons.sources import SourcePlaces, is_ready, refuse_unknown
from ambilink.scons.steps import watched
from ambilink.scons.tasks import StoppedError, stops_at_failures
from ambilink.scons.units import Unit
from ambilink.scons.wanted import Wanted


def explanation(stale: Stale) -> str:
    """As SCons words it."""
    return f"scons: building `{stale.job.target}' because {stale.reason}"


class _Reporter(Observer):
    """Reports to the progress line and the journal."""

    def __init__(self, env: Environment, context: Context, unit: Unit) -> None:
        self._context, self._unit = context, unit
        self._verbose = bool(env["AMBILINK_VERBOSE"])
        self._explain = "explain" in env.GetOption("debug")
        self._slots: dict[str, int] = {}

    def started(self, stale: Stale) -> None:
        job, progress = stale.job, self._context.progress
        self._slots[job.target] = self._context.journal.take_slot()
        if self._explain:
            progress.say(explanation(stale))
        command = stale.recipe.command(job.source, job.target) if self._verbose else None
        progress.started("CC", job.target, shlex.join(command) if command else None)

    def finished(self, stale: Stale, done: Finished, *, cached: bool) -> None:
        target = stale.job.target
        if cached:
            self._slots[target] = self._context.journal.take_slot()
            self._context.progress.started("CACHE", target)
        causes = [stale.cause] if stale.cause else []
        start, slot = done.start or time.time(), self._slots.pop(target)
        step = Step("CC", target, start, done.seconds, slot, done.status, cached, [stale.reason], causes)
        self._context.journal.add(step)
        failed = done.status != 0
        output = done.output
        if failed:
            output = missing_headers.explain(self._context, self._unit, flags_refused.explain(self._unit, output))
        self._context.progress.finished(target, output, failed=failed)

    def stopped(self, stale: Stale) -> None:
        if stale.job.target in self._slots:
            self._context.journal.release_slot(self._slots.pop(stale.job.target))
        self._context.progress.dropped(stale.job.target)


def _set_of(target: Nodes, env: Environment) -> ObjectSet:
    return context_of(env).sets[target[0].path]


def _cache_key(context: Context) -> Callable[[Stale], CompileKey]:
    def key(stale: Stale) -> CompileKey:
        recipe, job = stale.recipe, stale.job
        words = (*recipe.versions, *recipe.settings, *context.shared_words(recipe.words), *job.inputs, job.extra)
        return CompileKey(words, job.source, context.roots, context.top_in_keys)

    return key


def _compile(target: Nodes, source: Nodes, env: Environment) -> int:
    each, context = _set_of(target, env), context_of(env)
    if each.after_others:
        context.store.forget_looks()
    stale = each.stale()
    if stale:
        refuse_aside(env, stale[0].job.target)
    each.expect()
    batch = Batch(
        context.store,
        context.slots,
        env["ENV"],
        _Reporter(env, context, each.unit),
        not stops_at_failures(env),
        context.cache,
        _cache_key(context) if context.cache is not None else None,
        context.progress.colour,
    )
    try:
        if batch.run(stale):
            return 1
    except Stopped:
        raise StoppedError(target[0]) from None
    write_atomically(Path(target[0].path), _list(each))
    context.journal.wrote(target[0].path)
    if stale:
        reasons = [f"{len(stale)} of {len(each.jobs)} objects were compiled"]
        causes = [one.job.target for one in stale]
        context.journal.note(Step("OBJS", target[0].path, time.time(), 0.0, 0, reasons=reasons, causes=causes))
    return 0


def _list(each: ObjectSet) -> bytes:
    """What the list holds, where no object is out of date."""
    store, compiled = each.context.store, set(each.paths)
    lines = [f"{store.digest(path) if path in compiled else store.digest_now(path)} {path}" for path in each.linked]
    return ("\n".join(lines) + "\n").encode()


def _is_behind(each: ObjectSet) -> bool:
    """The list does not name the objects as they are: a build ended after it compiled, before it wrote the list."""
    try:
        return Path(each.node.path).read_bytes() != _list(each)
    except OSError:
        return False  # there is none: SCons sees that by itself


def _dry_run(target: Nodes, source: Nodes, env: Environment) -> str | None:
    if not env.GetOption("no_exec"):
        return None
    each, lines = _set_of(target, env), []
    own, explained = {job.target for job in each.own_jobs}, "explain" in env.GetOption("debug")
    for one in each.stale():
        if one.job.target in own:
            lines += [explanation(one)] if explained else []
            lines.append(f"  CC    {one.job.target}")
            each.context.dry_steps += 1
    return "\n".join(lines) or None


def _contents(target: Nodes, source: Nodes, env: Environment) -> bytes:
    each = _set_of(target, env)
    commands = [each.context.general(" ".join(recipe.words)) for recipe in each.recipes.values()]
    return "\n".join([*commands, *each.linked]).encode()


def _prerequisites(node: Node, env: Environment) -> list[Node]:
    """Lists of sets that compile some of these objects; headers that are built; and whether any object is stale."""
    context = context_of(env)
    each = context.sets[node.path]
    stale = each.stale()
    if stale:
        context.build_again(node, f"{len(stale)} of {len(each.jobs)} objects are out of date")
    elif _is_behind(each):
        context.build_again(node, "a build ended before it listed what it had compiled")
    found = [owner.node for owner in each.borrowed]
    made_inputs = each.made_inputs
    declared = [one for one in each.declared() if is_file(one) or is_folder(one)]  # SCons wants no others here
    for made in (*made_inputs, *declared):
        if made.has_builder() and is_file(made):
            context.rebuild_if_altered(made)
    if made_inputs or any(map(may_change, declared)):
        each.after_others = True
    return list(dict.fromkeys([*found, *made_inputs, *declared]))


@cache
def _builder() -> Any:
    return Builder(action=make_action(_compile, _dry_run, _contents), target_scanner=watched(_prerequisites))


def _object_names(places: SourcePlaces, paths: Sequence[str]) -> list[str]:
    """For each source the path of its object without suffix: relative to the SConscript, or, for sources of
    elsewhere, to the folder that they have in common."""
    inside = places.beside and places.beside + os.sep
    outside = [path for path in paths if path.startswith((os.sep, "..")) or not path.startswith(inside)]
    common = os.path.commonpath([os.path.dirname(path) for path in outside]) if outside else ""
    above, strangers = len(os.path.join(common, "")), set(outside)
    return [path[above if path in strangers else len(inside) :] for path in paths]


def _find_sources(
    env: Environment, places: SourcePlaces, sources: Sequence[object]
) -> tuple[list[tuple[str, str]], list[Node]]:
    """What each is called and where it is, and the nodes of those that are built. Names make no nodes: there may be
    thousands."""
    found: list[tuple[str, str]] = []
    built: list[Node] = []
    for source in sources:
        if isinstance(source, str) and not set("$#\\") & set(source):
            node = places.built(source)
            if node is None:
                found.append(places.of_name(source))
                continue
            source = node
        for node in env.arg2nodes([source], env.fs.File):
            if node.has_builder():
                built.append(node)
            found.append(places.of_node(node))
    return found, built


def _refuse_twice(outputs: Sequence[str], sources: Sequence[str], unit: Unit) -> None:
    seen: set[str] = set()
    for output, source in zip(outputs, sources, strict=True):
        if output in seen:
            raise UserError(f"{unit.location}: {unit.title} has the source {source} twice; leave one out")
        seen.add(output)


def _refuse_without_nasm(env: Environment, context: Context, unit: Unit) -> None:
    try:
        context.nasm(env)
    except AmbilinkError as error:
        raise UserError(f"{unit.location}: {unit.title} has sources for nasm: {error}") from error


def compile_all(
    env: Environment, unit: Unit, sources: Sequence[object], form: str, form_flags: Flags
) -> ObjectSet | None:
    """The set of objects of all sources, under obj/<unit>/<form>/; None if there are no sources."""
    context = context_of(env)
    places = SourcePlaces(env, context)
    try:
        found, built = _find_sources(env, places, sources)
    except TypeError as error:  # SCons knows a folder of that name
        raise UserError(f"{unit.location}: {unit.title}: a source is no file: {error}") from error
    paths = [path for _, path in found]
    refuse_unknown(paths, unit.location, unit.title)
    for called, path in found:
        context.wanted.add(Wanted(path, called, f"{unit.title} has the source", unit.location))
    if not paths:
        return None
    folder = f"{context.build.path}/obj/{unit.name}/{form}"
    ready = {position: path for position, path in enumerate(paths) if is_ready(path)}
    compiled = [path for path in paths if not is_ready(path)]
    names = _object_names(places, [called for called, path in found if not is_ready(path)])
    jobs = [Job(f"{folder}/{name}.o", path) for path, name in zip(compiled, names, strict=True)]
    _refuse_twice([*(job.target for job in jobs), *ready.values()], [*compiled, *ready.values()], unit)
    if any(language_of(path) is Language.NASM for path in compiled):
        _refuse_without_nasm(env, context, unit)
    (node,) = _builder()(env, context.file(f"obj/{unit.name}/{form}.objects", unit.location), [])
    each = ObjectSet(env, context, unit, form, form_flags, node, jobs, ready)
    each.after_others = bool(built)
    if env.fs.Top.getRepositories():
        env.Local(*built)  # commands name ours
    each.quoted = [env.Dir(folder, env.Dir("#")) for folder in places.counterparts(compiled)]
    env.Depends(node, [*built, *(env.File(path, env.Dir("#")) for path in ready.values())])
    env.NoCache(node)
    if env.GetOption("clean"):
        env.Clean(node, [env.File(job.target if os.path.isabs(job.target) else f"#{job.target}") for job in jobs])
    context.sets[node.path] = each
    unit.object_sets.append(each)
    return each
