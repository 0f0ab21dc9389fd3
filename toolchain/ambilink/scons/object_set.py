"""The objects of one unit in one form, compiled by a recipe for each language: one node for all of them, a list.

The list, `obj/<unit>/<form>.objects`, has each object with its digest. A link depends on it, so it runs again only
if an object's bytes changed. A node for each object would be most of a build's nodes, and SCons' work grows with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from ambilink.compile.languages import Flags, Language, concerning, language_of
from ambilink.compile.wheel import PACKAGE, wheel_folder
from ambilink.files import as_argument
from ambilink.incremental.recipe import Job, Recipe, Stale
from ambilink.incremental.search import named_files, search_folders, settings, unfollowed
from ambilink.scons.api import Builder, Environment, Folder, Node, make_action
from ambilink.scons.arguments import setting_texts
from ambilink.scons.units import Unit

if TYPE_CHECKING:
    from ambilink.scons.context import Context


# By these the compiler writes its own command into objects, which must be the same however it prints.
RECORDING = {"-grecord-command-line", "-grecord-gcc-switches", "-frecord-command-line", "-frecord-gcc-switches"}


class ObjectSet:
    def __init__(
        self,
        env: Environment,
        context: Context,
        unit: Unit,
        form: str,
        form_flags: Flags,
        node: Node,
        jobs: Sequence[Job],
        ready: Mapping[int, str],
    ) -> None:
        self.env, self.context, self.unit, self.form, self.node = env, context, unit, form, node
        self._form_flags = form_flags
        self._jobs = list(jobs)
        self._ready = ready  # objects and archives that are not compiled, by their place among the sources
        self.borrowed: list[ObjectSet] = []  # sets that compile objects of ours too
        self.after_others = False  # sources or headers are built too
        self.quoted: Sequence[Folder] = ()  # searched, after the source's own, for #include "x.h"
        self._stale: list[Stale] | None = None
        self._recipes: dict[Language, Recipe] = {}
        self._member_nodes: list[Node] | None = None

    @property
    def recipes(self) -> Mapping[Language, Recipe]:
        """For each language of its sources."""
        return {language: self._recipe(language) for language in dict.fromkeys(map(_language, self.jobs))}

    def recipe_of(self, job: Job) -> Recipe:
        return self._recipe(_language(job))

    def _recipe(self, language: Language) -> Recipe:
        """Known when all libraries are declared."""
        if language not in self._recipes:
            make = self._nasm_recipe if language is Language.NASM else self._compiler_recipe
            self._recipes[language] = make(language)
        return self._recipes[language]

    def _folders(self) -> list[str]:
        context = self.context
        return list(dict.fromkeys(f for each in context.include_dirs(self.unit) for f in context.real_folders(each)))

    def _flags(self, language: Language) -> list[str]:
        """The environment's, then the declaration's."""
        unit, variables = self.unit, self.unit.variables
        return [
            *variables.defines(),
            *variables.flags(language),
            *(f"-D{each}" for each in self.context.defines(unit)),
            *unit.flags.of(language),
        ]

    def _profile_flags(self, language: Language) -> list[str]:
        """What the profile says of a language of the compiler."""
        profile = self.context.toolset.profile.language
        own = {Language.C: profile.c, Language.CXX: profile.cxx, Language.ASSEMBLY: profile.asm}[language]
        return [*(f"-D{each}" for each in profile.defines), *concerning(profile.flags, language), *own]

    def _wheel_map(self, system: Sequence[str]) -> list[str]:
        """The flag by which objects name sources and headers of the wheel, which lies elsewhere for others. A compiler
        out of the wheel has it in its own flags."""
        named = [*system, *(job.source for job in self._jobs)]
        if self.context.toolset.package or not any(f"{os.sep}{PACKAGE}{os.sep}" in path for path in named):
            return []
        return [f"-ffile-prefix-map={wheel_folder()}={PACKAGE}"]

    def _compiler_recipe(self, language: Language) -> Recipe:
        context, folders = self.context, self._folders()
        # Before the compiler's own headers: libc's limits.h and stddef.h must win.
        system = context.system_includes(self.unit)
        flags = context.toolset.compile_flags
        quoted = [os.path.normpath(folder.path) for folder in self.quoted]
        words = [*context.compiler, "-c", *(word for folder in quoted for word in ("-iquote", as_argument(folder)))]
        words += [f"-I{as_argument(folder)}" for folder in folders]
        for folder in system:
            words += ["-isystem", as_argument(folder)]
        # The last of these that fits is taken, and a package may lie below the top.
        tops = [*(folder.abspath for folder in self.env.fs.Top.getRepositories()), context.top]
        moving = [*(f"-ffile-prefix-map={top}=." for top in tops), *context.system_map]
        words += [*moving, *self._wheel_map(system), *flags, *self._profile_flags(language)]
        words += self._form_flags.of(language)
        words += [*concerning(setting_texts(self.env, "AMBILINK_FLAGS"), language), *self._flags(language)]
        return Recipe(
            tuple(words),
            search_folders(words, self.env["ENV"]),
            f"{context.toolset.identity} {context.launcher_identity}".rstrip(),
            tuple(context.launcher),
            (*context.version_words, *context.launcher_words),
            colour_flags=() if RECORDING.intersection(words) else ("-fdiagnostics-color=always",),
            moving=tuple(moving),
            files=named_files(words[len(context.compiler) :]),
            unfollowed=unfollowed(words[len(context.compiler) :]),
            settings=settings(self.env["ENV"]),
        )

    def _nasm_recipe(self, language: Language) -> Recipe:
        nasm = self.context.nasm(self.env)
        folders = [*(os.path.normpath(folder.path) for folder in self.quoted), *self._folders()]
        words = [*nasm.words, *(f"-I{as_argument(folder)}/" for folder in folders)]
        words += [*(f"-D{each}" for each in self.context.toolset.profile.language.defines)]
        words += self._form_flags.of(language)
        beside = dict.fromkeys(os.path.dirname(job.source) or "." for job in self._jobs if _language(job) is language)
        return Recipe(
            (*words, *self._flags(language)),
            (".", *folders, *beside),
            nasm.identity,
            settings=settings(self.env["ENV"]),
            versions=tuple(nasm.version_words),
            depfile_flags=("-M", "-MT", "x", "-MF"),
            lists_apart=True,  # nasm 2.16's -MD forgets files that are included
            searches_beside=False,
        )

    @property
    def jobs(self) -> list[Job]:
        self.context.resolve_sets()
        return self._jobs

    def stale(self) -> list[Stale]:
        """Which objects are out of date; found once, unless others make what these depend on while SCons runs."""
        if self._stale is None or self.after_others or self.borrowed:
            store, jobs = self.context.store, self._jobs_with_inputs()
            groups = {language: [job for job in jobs if _language(job) is language] for language in self.recipes}
            self._stale = [one for name, group in groups.items() for one in store.stale(self.recipes[name], group)]
        return self._stale

    @cached_property
    def made_inputs(self) -> list[Node]:
        """Sources, headers and other files that are built, as far as SConscripts and the last build say."""
        context, sources = self.context, [job.source for job in self.jobs]
        built = [context.made.files[path] for path in sources if path in context.made.files]
        folders = [context.from_top(folder.abspath) for folder in (*context.include_dirs(self.unit), *self.quoted)]
        read = context.store.files_of(self.paths)
        made = [*context.made.headers(folders, sources, self.unit), *context.made.read_before(read, self.unit)]
        return list(dict.fromkeys([*built, *made]))

    # What env.Depends says.

    def _declared(self) -> list[list[Node]]:
        """For each object."""
        context = self.context
        unit = [*self.unit.declared_inputs, *context.declared(self.unit.outputs)]
        named = [context.known(job.target) for job in self._jobs]
        objects: Sequence[Node | None] = self._member_nodes or named
        return [[*unit, *context.declared([node])] if node is not None else unit for node in objects]

    def declared(self) -> list[Node]:
        """What any of the objects depends on."""
        found = dict.fromkeys(node for nodes in self._declared() for node in nodes)
        return self.context.made.allowed(found, self.unit)

    def _jobs_with_inputs(self) -> list[Job]:
        """With the files that are there now."""
        made, found = self.context.made, []
        for job, nodes in zip(self.jobs, self._declared(), strict=True):
            inputs, extra = made.as_inputs(made.allowed(nodes, self.unit)) if nodes else ((), "")
            found.append(replace(job, inputs=inputs, extra=extra) if nodes else job)
        return found

    def expect(self) -> None:
        """Count what is to come for the progress line, with how long it took the last time."""
        for one in self.stale():
            self.context.progress.expect(one.job.target, self.context.store.seconds(one.job.target) or None)

    def share(self, owners: Owners) -> None:
        """Objects that another set compiles from the same source by the same command are that one's."""
        if self._member_nodes is not None:  # ours were asked for by name
            return
        kept = []
        for job, declared in zip(self._jobs, map(frozenset, self._declared()), strict=True):
            owner, target = owners.setdefault((self.recipe_of(job).key, job.source, declared), (self, job.target))
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

    @property
    def linked(self) -> list[str]:
        """Objects and archives, in the order of the sources."""
        found = self.paths
        for position, path in self._ready.items():
            found.insert(position, path)
        return found

    def nodes(self) -> list[Node]:
        """A node for each object, to build or install one by itself."""
        if self._member_nodes is None and not self._jobs:
            self._member_nodes = []
        if self._member_nodes is None:
            build = Builder(action=make_action(lambda target, source, env: 0, None))
            self._member_nodes = list(build(self.env, [job.target for job in self._jobs], self.node))
            self.env.Precious(self._member_nodes)  # not removed before it is "made"
            self.env.NoCache(self._member_nodes)
        return self._member_nodes


# Which set makes an object, and what it is called there: by command, source, and what was declared of it.
Owners: TypeAlias = dict[tuple[str, str, frozenset[Node]], tuple[ObjectSet, str]]


def _language(job: Job) -> Language:
    language = language_of(job.source)
    assert language is not None  # sources are checked when they are declared
    return language
