# mypy: ignore-errors
"""Compiling: one node for all objects of a unit in one form; which of them are out of date, ObjectStore knows.

The node is a list of the objects with their digests, `obj/<unit>/<form>.objects`. Whoever links them depends on
it, so he runs again only if an object's bytes changed. A node for each object would be most of a build's nodes,
and SCons' work grows with them.
"""

import os
import shlex
import time
from dataclasses import replace
from pathlib import Path

from ambilink.scons.steps import watched
from SCons.Action import Action
from SCons.Builder import Builder

from ambilink.files import write_atomically
from ambilink.incremental.batch import Batch, Observer
from ambilink.incremental.cache import CompileKey
from ambilink.incremental.journal import Step
from ambilink.incremental.objects import Job, Recipe

HEADER_SUFFIXES = (".h", ".hh", ".hpp", ".inc", ".def")


class ObjectSet:
    """The objects of one unit in one form, compiled by one recipe."""

    def __init__(self, env, unit, form, form_flags, jobs):
        self.env, self.unit, self.form = env, unit, form
        self._form_flags = form_flags
        self._jobs = jobs
        self.node = None  # the list
        self.borrowed = []  # sets that compile objects of ours too
        self.after_others = False  # sources or headers are built too
        self._stale = None
        self._recipe = None
        self._member_nodes = None

    @property
    def recipe(self):
        """Known when all libraries are declared."""
        if self._recipe is None:
            context = self.env["AMBILINK"]
            folders = list(dict.fromkeys(f for each in context.include_dirs(self.unit) for f in _real_dirs(each)))
            # Before the compiler's own headers: libc's limits.h and stddef.h must win.
            system = [str(folder) for folder in context.system_includes(self.unit)]
            toolset = context.toolset
            words = [*context.launcher, *context.compiler, "-c", *(f"-I{folder}" for folder in folders)]
            for folder in system:
                words += ["-isystem", folder]
            # The last of these that fits is taken, and a package may lie below the top.
            words += [f"-ffile-prefix-map={context.top}=.", *toolset.compile_flags]
            words += [*self._form_flags, *self.env["AMBILINK_FLAGS"], *self.unit.flags]
            flags = toolset.compile_flags
            builtin = [flags[i + 1] for i, word in enumerate(flags[:-1]) if word == "-isystem"]
            self._recipe = Recipe(tuple(words), (*folders, *system, *builtin), toolset.identity)
        return self._recipe

    @property
    def jobs(self):
        self.env["AMBILINK"].resolve_sets()
        return self._jobs

    def stale(self):
        """Which objects are out of date; found once, unless others make what these depend on while SCons runs."""
        if self._stale is None or self.after_others or self.borrowed:
            self._stale = self.env["AMBILINK"].store.stale(self.recipe, self.jobs)
        return self._stale

    def expect(self):
        """Tell the progress line what is to come, and how long it took the last time."""
        context = self.env["AMBILINK"]
        for one in self.stale():
            context.progress.expect(
                one.job.target, context.store.seconds(one.job.target) or context.store.usual_seconds
            )

    def share(self, owners):
        """Objects that another set compiles from the same source by the same command are that one's."""
        if self._member_nodes is not None:  # somebody asked for ours by name
            return
        kept = []
        for job in self._jobs:
            owner, target = owners.setdefault((self.recipe.key, job.source), (self, job.target))
            if owner is not self and owner not in self.borrowed:
                self.borrowed.append(owner)
            kept.append(replace(job, target=target))
        self._jobs = kept

    @property
    def own_jobs(self):
        others = {job.target for owner in self.borrowed for job in owner.jobs}
        return [job for job in self.jobs if job.target not in others]

    @property
    def paths(self):
        return [job.target for job in self.jobs]

    def nodes(self):
        """A node for each object, for those who want to build or install one by itself."""
        if self._member_nodes is None:
            self._member_nodes = self.env.AmbilinkMember([job.target for job in self._jobs], self.node)
            self.env.Precious(self._member_nodes)  # not removed before it is "made"
            self.env.NoCache(self._member_nodes)
        return self._member_nodes


def _real_dirs(node):
    """Folders of headers: as given, and, with a variant folder, where the sources are."""
    return [os.path.normpath(folder) for folder in dict.fromkeys([node.srcnode().path, node.path])]


class _Reporter(Observer):
    """Tells the progress line and the journal."""

    def __init__(self, env, recipe):
        self._env, self._recipe = env, recipe
        self._context = env["AMBILINK"]
        self._slots = {}

    def started(self, stale):
        self._slots[stale.job.target] = self._context.journal.take_slot()
        if "explain" in self._env.GetOption("debug"):
            self._context.progress.say(f"building `{stale.job.target}' because {stale.reason}")
        self._context.progress.started("CC", stale.job.target, _announcement(self._env, self._recipe, stale.job))

    def finished(self, stale, done, *, cached):
        target = stale.job.target
        if cached:
            self._slots[target] = self._context.journal.take_slot()
            self._context.progress.started("CACHE", target)
        causes = [stale.cause] if stale.cause else []
        step = Step(
            "CC",
            target,
            done.start or time.time(),
            done.seconds,
            self._slots.pop(target),
            done.status,
            cached,
            [stale.reason],
            causes,
        )
        self._context.journal.add(step)
        self._context.progress.finished(target, done.output)


def _announcement(env, recipe, job):
    return shlex.join([*recipe.words, "-o", job.target, job.source]) if env["AMBILINK_VERBOSE"] else None


def _set_of(target, env):
    return env["AMBILINK"].sets[target[0].path]


def _compile(target, source, env):
    each, context = _set_of(target, env), env["AMBILINK"]
    if each.after_others:
        context.store.forget_looks()
    stale = each.stale()
    each.expect()
    key = None
    if context.cache is not None:
        words = (*context.version_words, *each.recipe.words[len(context.launcher) :])

        def key(one):
            return CompileKey(words, one.job.source, context.roots)

    reporter = _Reporter(env, each.recipe)
    batch = Batch(
        context.store, each.recipe, context.slots, env["ENV"], reporter, env.GetOption("keep_going"), context.cache, key
    )
    failed = batch.run(stale)
    if failed:
        return 1
    lines = [f"{context.store.digest(path)} {path}" for path in each.paths]
    write_atomically(Path(target[0].path), ("\n".join(lines) + "\n").encode())
    context.journal.wrote(target[0].path)
    if stale:
        reasons = [f"{len(stale)} of {len(each.jobs)} objects were compiled"]
        causes = [one.job.target for one in stale]
        context.journal.note(Step("OBJS", target[0].path, time.time(), 0.0, 0, reasons=reasons, causes=causes))
    return 0


def _dry_run(target, source, env):
    if not env.GetOption("no_exec"):
        return None
    each = _set_of(target, env)
    own = {job.target for job in each.own_jobs}
    return "\n".join(f"  CC    {one.job.target}" for one in each.stale() if one.job.target in own) or None


def _contents(target, source, env):
    each = _set_of(target, env)
    return "\n".join([env["AMBILINK"].general(" ".join(each.recipe.words)), *each.paths]).encode()


def _prerequisites(node, env):
    """Lists of sets that compile some of these objects; headers that are built; and whether any object is stale."""
    context = env["AMBILINK"]
    each = context.sets[node.path]
    if each.stale():
        context.build_again(node)
    found = [owner.node for owner in each.borrowed]
    for job in each.jobs:
        node = built_node(context, job.source)
        if node is not None:
            each.after_others = True
            found.append(node)
    for folder in context.include_dirs(each.unit):
        for entry in folder.entries.values():
            if entry.has_builder() and entry.name.endswith(HEADER_SUFFIXES):
                each.after_others = True
                found.append(entry)
    return found


def add_object_builder(env):
    action = Action(_compile, strfunction=_dry_run)
    action.gc = _contents
    env["BUILDERS"]["AmbilinkObjects"] = Builder(action=action, target_scanner=watched(_prerequisites))
    env["BUILDERS"]["AmbilinkMember"] = Builder(action=Action(lambda target, source, env: 0, cmdstr=None))


def _object_names(env, paths):
    """For each source the path of its object without suffix: relative to the SConscript, or, for sources of
    elsewhere, to the folder that they have in common."""
    here = os.path.relpath(env.Dir(".").srcnode().abspath, env["AMBILINK"].top)
    inside = "" if here == "." else here + os.sep
    outside = [path for path in paths if os.path.isabs(path) or not path.startswith(inside)]
    common = os.path.commonpath([os.path.dirname(path) for path in outside]) if outside else ""
    strangers = set(outside)
    return [path[len(common) + bool(common) if path in strangers else len(inside) :] for path in paths]


def built_node(context, path):
    """The node of a file that somebody builds, by its path from the top; None: a file as it is, for all we know."""
    full = path if os.path.isabs(path) else f"{context.top}/{path}"
    for root in context.roots_of_files():
        node = root.get(full)
        if node is not None:
            return node if node.has_builder() else None
    return None


def _source_paths(env, sources):
    """Paths from the top, and the nodes of those that are built. Names make no nodes: there may be thousands."""
    context = env["AMBILINK"]
    paths, built = [], []
    here = env.Dir(".")
    folders = [os.path.relpath(node.abspath, context.top) for node in (here, here.srcnode())]
    for source in env.Flatten([sources]):
        if isinstance(source, str) and not set("$#\\") & set(source):
            path = os.path.normpath(os.path.join(folders[0], source))
            node = built_node(context, path)
            if node is None:
                # Absolute ones stay so: by that name -ffile-prefix-map knows them.
                paths.append(os.path.normpath(os.path.join(folders[1], source)))
                continue
            source = node
        for node in env.arg2nodes([source], env.fs.File):
            if node.has_builder():
                built.append(node)
            paths.append(node.path if node.has_builder() else node.srcnode().path)
    return paths, built


def compile_all(env, unit, sources, form, form_flags):
    """The set of objects of all sources, under obj/<unit>/<form>/; None if there are no sources."""
    context = env["AMBILINK"]
    paths, built = _source_paths(env, sources)
    if not paths:
        return None
    folder = context.build.Dir(f"obj/{unit.name}").path
    jobs = [Job(f"{folder}/{form}/{name}.o", path) for path, name in zip(paths, _object_names(env, paths), strict=True)]
    each = ObjectSet(env, unit, form, form_flags, jobs)
    each.after_others = bool(built)
    (each.node,) = env.AmbilinkObjects(context.file(env, "obj", unit.name, f"{form}.objects"), [])
    env.Depends(each.node, built)
    env.NoCache(each.node)
    if env.GetOption("clean"):
        env.Clean(
            each.node, [env.File(f"#{job.target}" if not os.path.isabs(job.target) else job.target) for job in jobs]
        )
    context.sets[each.node.path] = each
    unit.object_sets.append(each)
    return each


def dirs(env, folders):
    return [env.Dir(folder) for folder in folders]
