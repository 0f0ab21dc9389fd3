"""The objects of one unit in one form, compiled by one recipe: one node for all of them, which is a list.

The list, `obj/<unit>/<form>.objects`, has each object with its digest. A link depends on it, so it runs again only
if an object's bytes changed. A node for each object would be most of a build's nodes, and SCons' work grows with them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ambilink.incremental.objects import Job, Recipe, Stale
from ambilink.scons.api import Builder, Environment, Folder, Node, make_action
from ambilink.scons.arguments import setting_texts
from ambilink.scons.units import Unit

if TYPE_CHECKING:
    from ambilink.scons.context import Context


class ObjectSet:
    def __init__(
        self,
        env: Environment,
        context: Context,
        unit: Unit,
        form: str,
        form_flags: Sequence[str],
        node: Node,
        jobs: Sequence[Job],
    ) -> None:
        self.env, self.context, self.unit, self.form, self.node = env, context, unit, form, node
        self._form_flags = form_flags
        self._jobs = list(jobs)
        self.borrowed: list[ObjectSet] = []  # sets that compile objects of ours too
        self.after_others = False  # sources or headers are built too
        self._stale: list[Stale] | None = None
        self._recipe: Recipe | None = None
        self._member_nodes: list[Node] | None = None

    @property
    def recipe(self) -> Recipe:
        """Known when all libraries are declared."""
        if self._recipe is None:
            self._recipe = self._make_recipe()
        return self._recipe

    def _make_recipe(self) -> Recipe:
        context, unit = self.context, self.unit
        folders = list(dict.fromkeys(f for each in context.include_dirs(unit) for f in _real_dirs(each)))
        # Before the compiler's own headers: libc's limits.h and stddef.h must win.
        system = context.system_includes(unit)
        flags = context.toolset.compile_flags
        words = [*context.launcher, *context.compiler, "-c", *(f"-I{folder}" for folder in folders)]
        for folder in system:
            words += ["-isystem", folder]
        # The last of these that fits is taken, and a package may lie below the top.
        words += [f"-ffile-prefix-map={context.top}=.", *flags, *self._form_flags]
        words += [*setting_texts(self.env, "AMBILINK_FLAGS"), *unit.flags]
        builtin = [flags[i + 1] for i, word in enumerate(flags[:-1]) if word == "-isystem"]
        return Recipe(tuple(words), (*folders, *system, *builtin), context.toolset.identity)

    @property
    def jobs(self) -> list[Job]:
        self.context.resolve_sets()
        return self._jobs

    def stale(self) -> list[Stale]:
        """Which objects are out of date; found once, unless others make what these depend on while SCons runs."""
        if self._stale is None or self.after_others or self.borrowed:
            self._stale = self.context.store.stale(self.recipe, self.jobs)
        return self._stale

    def expect(self) -> None:
        """Count what is to come for the progress line, with how long it took the last time."""
        store = self.context.store
        for one in self.stale():
            self.context.progress.expect(one.job.target, store.seconds(one.job.target) or store.usual_seconds)

    def share(self, owners: dict[tuple[str, str], tuple[ObjectSet, str]]) -> None:
        """Objects that another set compiles from the same source by the same command are that one's."""
        if self._member_nodes is not None:  # ours were asked for by name
            return
        kept = []
        for job in self._jobs:
            owner, target = owners.setdefault((self.recipe.key, job.source), (self, job.target))
            if owner is not self and owner not in self.borrowed:
                self.borrowed.append(owner)
            kept.append(replace(job, target=target))
        self._jobs = kept

    @property
    def own_jobs(self) -> list[Job]:
        others = {job.target for owner in self.borrowed for job in owner.jobs}
        return [job for job in self.jobs if job.target not in others]

    @property
    def paths(self) -> list[str]:
        return [job.target for job in self.jobs]

    def nodes(self) -> list[Node]:
        """A node for each object, to build or install one by itself."""
        if self._member_nodes is None:
            build = Builder(action=make_action(lambda target, source, env: 0, None))
            self._member_nodes = list(build(self.env, [job.target for job in self._jobs], self.node))
            self.env.Precious(self._member_nodes)  # not removed before it is "made"
            self.env.NoCache(self._member_nodes)
        return self._member_nodes


def _real_dirs(node: Folder) -> list[str]:
    """Folders of headers: as given, and, with a variant folder, where the sources are."""
    return [os.path.normpath(folder) for folder in dict.fromkeys([node.srcnode().path, node.path])]
