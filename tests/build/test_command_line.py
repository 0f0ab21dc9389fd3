"""What is written behind `scons`: targets by name, options, and running it from another folder."""

import subprocess
import sys

import pytest

OPTIONS = """\
import ambilink.scons
options = ambilink.scons.options()
options.Add("flavour", "of the ice cream", "plain")
env = Environment(tools=[ambilink.scons.tool], variables=options, AMBILINK_COMPILER={compiler!r})
Help(options.GenerateHelpText(env))
env.DualLibrary("low", ["low/low.c"], includes=["low/include"])
print("flavour", env["flavour"], "compiler", env["AMBILINK_COMPILER"])
"""


def made(tree) -> set[str]:
    paths = {path.relative_to(tree.out).as_posix() for path in tree.out.rglob("*") if path.suffix in ("", ".so", ".a")}
    return {path for path in paths if path.startswith(("lib/", "services/"))}


@pytest.mark.parametrize("name", ["low", "lib/low", "libs/low", "liblow"])
def test_a_library_by_its_name_in_both_forms(pair, name):
    pair.good(name)
    assert made(pair) == {"lib/liblow.a", "lib/liblow.so"}


@pytest.mark.parametrize("name", ["liblow.so", "lib/liblow.so"])
def test_a_file_of_the_build_folder(pair, name):
    pair.good(name)
    assert made(pair) == {"lib/liblow.so"}


@pytest.mark.parametrize("name", ["user", "services/user"])
def test_a_service(pair, name):
    """Also where its sources lie in a folder of that name."""
    pair.write("services/user/main.c", "")
    pair.good(name)
    assert {path for path in made(pair) if path.startswith("services/")} == {"services/user"}


def test_all_services_and_all_libraries(pair):
    pair.good("services", "libs")
    assert made(pair) >= {"services/user", "services/alone", "lib/liblow.a", "lib/libhigh.a", "lib/libhigh.so"}


def test_an_image_by_its_stem_or_its_name(pair):
    pair.write("boot.toml", "")
    pair.sconstruct('env.BootImage("sys.img", "boot.toml")\n')
    for name in ("sys", "sys.img"):  # it is tried, and fails by its empty manifest
        output = pair.bad(name)
        assert "boot.toml:1: " in output and "no target" not in output


def test_names_of_the_project_go_first(pair):
    pair.sconstruct(pair._text + 'env.Alias("low", env.Command("made", [], [Touch("$TARGET")]))\n')
    pair.good("low")
    assert (pair.folder / "made").exists() and not pair.out.joinpath("lib").exists()


@pytest.mark.parametrize(
    "name, near",
    [
        ("usr", "user"),
        ("libs/lwo", "libs/low"),
        ("lib/libhgh.so", "lib/libhigh.so"),
        ("servces", "services"),
        ("zzz", "libraries, services and images are targets by their names, files by their paths"),
        ("a\x1b[2Jb", r"'a\x1b[2Jb'"),
    ],
)
def test_an_unknown_target_lists_near_ones_and_nothing_is_built(pair, name, near):
    done = pair.scons("user", name)
    assert done.returncode == 2 and "there is no target" in done.stderr and near in done.stderr, done.stderr
    assert not list(pair.out.rglob("*.o"))


def test_source_files_and_folders_are_no_mistake(pair):
    assert "Nothing to be done" in pair.good("main.c")
    pair.good("low")
    pair.good("-c", "user")


@pytest.fixture
def optional(pair):
    pair.write("SConstruct", OPTIONS.format(compiler=pair.compiler))
    return pair


def test_options_are_variables_and_what_is_not_given_stays(optional):
    assert f"flavour plain compiler {optional.compiler}" in optional.good("-n", "low/low.c")
    assert "flavour sweet" in optional.good("-n", "low/low.c", "flavour=sweet", "verbose=no")
    text = optional.good("-h")
    assert "  flavour=plain          of the ice cream\n" in text and "  verbose=0 " in text


@pytest.mark.parametrize(
    "option, message",
    [
        ("verbose=5", "verbose=5: give 0 or 1"),
        ("cache_limit=much", "cache_limit=much: is no size"),
        ("compilr=gnu", "unknown option compilr=; did you mean 'compiler'?"),
        ("target=mars", "mars: is no known target"),
    ],
)
def test_wrong_options(optional, option, message):
    done = optional.scons(option)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert not list(optional.out.rglob("*.o"))


def test_a_misspelt_setting_is_an_error(tree):
    tree.more = "AMBILINK_COMPLER='gnu',"
    tree.sconstruct("")
    assert "AMBILINK_COMPLER is unknown; did you mean 'AMBILINK_COMPILER'?" in tree.bad()


def wrapper(top, folder, *words):
    command = [sys.executable, top / "scons", "-n", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_the_project_is_built_from_any_of_its_folders(top):
    """A target that is a file seen from there is that file."""
    done = wrapper(top, top / "services", "-Q", "greet/main.c")
    assert done.returncode == 0 and "Nothing to be done for `services/greet/main.c'" in done.stdout, done.stderr
    assert done.stdout.startswith(f"scons: Entering directory `{top}'\n")
    done = wrapper(top, top / "libs/log/src", "-s", "nolibrary")
    assert done.returncode == 2 and "there is no target 'nolibrary'" in done.stderr and not done.stdout


def test_the_version(top):
    done = wrapper(top, top, "--version")
    assert done.returncode == 0 and done.stdout.startswith("ambilink ") and "SCons: v" in done.stdout
