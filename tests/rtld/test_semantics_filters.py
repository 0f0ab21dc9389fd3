"""DT_FILTER and DT_AUXILIARY, under glibc's dynamic linker and under ours; the model must agree with the core."""

import random

import pytest

from ambilink.core.compare import differences
from ambilink.link.closure import MissingLibrary, load_closure
from ambilink.link.module import Module
from ambilink.link.relocate import consecutive, link
from ambilink.link.search import Search


def closure(case):
    program = case.folder / "program"
    find = Search(Module.load("program", program).machine, library_path=str(case.folder)).find
    return load_closure(program, find)


def agreed(case, linker):
    """The order of search, where core and model link alike."""
    modules = closure(case)
    result = linker.link_modules(modules)
    assert not result.errors and not differences(result, link(modules, consecutive()))
    return [module.name for module in modules[1:] if module.name.startswith("lib") and module.name.count(".") == 1]


def library(case, name, functions, *needs, filters=(), auxiliary=()):
    """Each function says whose it is."""
    source = f'CONSTRUCTOR static void up(void) {{ say("+{name} "); }} DESTRUCTOR static void down(void) {{ say("-{name} "); }}'
    source += "".join(f' void {each}(void) {{ say("{each}:{name} "); }}' for each in functions)
    words = [*(word for each in filters for word in ("-F", f"lib{each}.so"))]
    words += [word for each in auxiliary for word in ("-f", f"lib{each}.so")]
    case.library(f"lib{name}.so", source, *(f"lib{each}.so" for each in needs), link=("--no-as-needed", *words))


def program(case, functions, *needs):
    calls = "".join(f"if ({each}) {each}(); " for each in functions)
    declared = "".join(f"WEAK void {each}(void); " for each in functions)
    needs = [f"lib{each}.so" for each in needs]
    case.program(f'{declared} void test(void) {{ say("main "); {calls} }}', *needs, link=("-pie", "--no-as-needed"))


@pytest.mark.parametrize("kind", ["filters", "auxiliary"])
def test_the_filtee_is_searched_first(case, linker, kind):
    library(case, "filtee", "ab")
    library(case, "filter", "abc", **{kind: ["filtee"]})
    program(case, "abc", "filter")
    assert case.compare() == "+filtee +filter main a:filtee b:filtee c:filter -filter -filtee "
    assert agreed(case, linker) == ["libfiltee.so", "libfilter.so"]


def test_one_that_is_not_there(case, linker):
    library(case, "filter", "a", auxiliary=["absent"])
    program(case, "a", "filter")
    assert case.compare() == "+filter main a:filter -filter "
    assert agreed(case, linker) == ["libfilter.so"]
    library(case, "filter", "a", filters=["absent"])
    with pytest.raises(MissingLibrary, match=r"libabsent\.so"):
        closure(case)
    case.refuses("libabsent.so")


def test_the_filtee_was_loaded_before_and_after(case, linker):
    library(case, "filtee", "ab")
    library(case, "filter", "ab", filters=["filtee"])
    library(case, "other", "", "filtee")
    for needs in (["filtee", "filter"], ["filter", "filtee"], ["other", "filter"], ["filter", "other"]):
        program(case, "ab", *needs)
        assert "a:filtee b:filtee" in case.compare()
        agreed(case, linker)


def test_a_filter_that_is_opened(case):
    library(case, "deep", "a")
    library(case, "filtee", "b", auxiliary=["deep"])
    library(case, "filter", "abc", filters=["filtee"])
    case.program(
        """void *dlopen(const char *, int); int dlclose(void *); void *dlsym(void *, const char *);
        static void call(void *handle, const char *name) { ((void (*)(void))dlsym(handle, name))(); }
        void test(void) {
            say("main "); void *handle = dlopen("libfilter.so", 2); call(handle, "a"); call(handle, "b"); call(handle, "c");
            say("close "); dlclose(handle); say("end ");
        }""",
        "libc",
    )
    said = "main +deep +filtee +filter a:deep b:filtee c:filter close -filter -filtee -deep end "
    assert case.compare() == said


def test_filters_at_random(case, linker):
    """Libraries that need and filter others; in circles glibc crashes."""
    chance = random.Random(case.tools.name)
    for _ in range(3):
        for number, name in reversed([*enumerate("pqrst")]):
            others = "pqrst"[number + 1 :]
            needs = [each for each in others if chance.random() < 0.3]
            filters = [each for each in others if chance.random() < 0.2]
            auxiliary = [each for each in [*others, "none"] if each not in filters and chance.random() < 0.2]
            functions = "".join(each for each in "abcde" if chance.random() < 0.6)
            library(case, name, functions, *needs, filters=filters, auxiliary=auxiliary)
        program(case, "abcde", *chance.sample("pqrst", 2))
        case.compare()
        agreed(case, linker)


def test_filters_in_a_circle(case, linker):
    """glibc's dynamic linker crashes."""
    library(case, "p", "a")
    library(case, "q", "ab", "p", auxiliary=["p"])
    library(case, "p", "a", "q", auxiliary=["q", "p"])
    program(case, "ab", "p")
    case.says("+p +q main a:p b:q -q -p ")
    agreed(case, linker)


def test_the_programs_own(case, linker):
    """Linkers write it into libraries alone; here one is the program."""
    case.library("libfiltee.so", "void a(void) {} void b(void) {}")
    case.library("libfilter.so", "void a(void) {} void b(void) {}", "libfiltee.so", link=("-F", "libfiltee.so"))
    file = case.folder / "libfilter.so"
    modules = load_closure(file, Search(Module.load("libfilter.so", file).machine, library_path=str(case.folder)).find)
    result = linker.link_modules(modules)
    assert not result.errors and not differences(result, link(modules, consecutive()))
    assert [module.path.name for module in modules] == ["libfilter.so", "libfiltee.so"]
