"""Profiles of operating systems: what is read, what is inherited, and what is said of mistakes."""

import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambilink import toml_file
from ambilink.compile.declared import declared
from ambilink.compile.profile import HERE, TABLES, load_profile
from ambilink.errors import AmbilinkError
from ambilink.toml_file import Table

SHIPPED = sorted(path.stem for path in HERE.glob("*.toml"))
EVERYTHING = """\
profile = 1
[programs]
static = "exec"
dynamic = "exec"
load-address = 0x10000
interpreter = "/ld"
entry = "begin"
static-start = ["start.S"]
dynamic-start = ["{musl}/crt/Scrt1.c"]
start-includes = ["include"]
start-flags = ["-O2"]
loader-symbols = ["__loader_call"]
[format]
hash = "both"
relr = false
max-page-size = 65536
soname = "{name}-{version}.lib"
version = "3"
section-headers = true
[language]
hosted = "all"
flags = ["-a"]
c = ["-b"]
cxx = ["-c"]
asm = ["-d"]
defines = ["OS=1", "X"]
runtime = "compiler"
[places]
libraries = "l"
programs = "p"
modules = "m"
debug = "d"
library-prefix = "x"
static-suffix = ".sa"
shared-suffix = ".lib"
program-suffix = ".prg"
debug-suffix = ".dbg"
[contract]
outputs = ["programs"]
relocations = ["R_X86_64_64", "relative"]
needs = ["DT_HASH", "section-headers"]
sections = [".dynsym"]
static-types = ["ET_EXEC"]
dynamic-types = ["ET_EXEC"]
name-max = 10
symbol-max = 20
tls-modules = 0
align-max = 65536
page-size = 4096
lowest-address = 0x1000
highest-address = 0x100000
write-xor-execute = false
versions = false
[verdict]
pass-codes = [1]
"""


def profile(tmp_path, text, name="os.toml"):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def said(tmp_path, text):
    with pytest.raises(AmbilinkError) as caught:
        load_profile(profile(tmp_path, text))
    message = str(caught.value)
    assert "\n" not in message and caught.value.remedy
    return message.replace(f"{tmp_path}/", "")


def test_everything_that_can_be_said(tmp_path):
    made = load_profile(profile(tmp_path, EVERYTHING))
    assert made.name == "os" and made.files == (str(tmp_path / "os.toml"),)
    assert made.programs.static_start == (str(tmp_path / "start.S"),)  # from the file's folder
    assert made.programs.dynamic_start == ("{musl}/crt/Scrt1.c",)
    assert (made.format.soname, made.places.program_suffix) == ("{name}-{version}.lib", ".prg")
    assert made.language.defines == ("OS=1", "X") and made.language.runtime == "compiler"
    assert made.contract.tls_modules == 0 and made.contract.write_xor_execute is False
    assert made.verdict.pass_codes == (1,)


def test_every_key_is_in_that_text():
    """A key that is added must be tried there."""
    given_keys = {line.split(" = ")[0] for line in EVERYTHING.splitlines() if " = " in line}
    for cls in TABLES.values():
        assert given_keys >= set(declared(cls)), cls


def test_every_key_has_a_default(tmp_path):
    made = load_profile(profile(tmp_path, "profile = 1\n"))
    for name, cls in TABLES.items():
        assert getattr(made, name) == cls()
        assert all(how.meaning.endswith(".") for _, how, _ in declared(cls).values())


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_profiles_are_read(name):
    assert load_profile(name).name == name


def test_a_profile_extends_another(tmp_path):
    profile(tmp_path, 'profile = 1\nextends = "bare"\n[programs]\nstatic-start = ["a.S"]\nentry = "a"\n', "base/a.toml")
    made = load_profile(
        profile(tmp_path, 'profile = 1\nextends = "base/a.toml"\n[programs]\nentry = "b"\n[format]\nrelr = true\n')
    )
    assert [path.rsplit("/", 1)[-1] for path in made.files] == ["os.toml", "a.toml", "bare.toml"]
    assert (made.programs.entry, made.programs.dynamic, made.format.relr) == ("b", "none", True)
    assert made.programs.static_start == (str(tmp_path / "base/a.S"),)  # where it was said


def test_a_circle(tmp_path):
    profile(tmp_path, 'profile = 1\n\nextends = "os.toml"\n', "other.toml")
    message = said(tmp_path, 'profile = 1\nextends = "other.toml"\n')
    assert message.startswith("other.toml:3: extends makes a circle: os.toml -> other.toml -> os.toml; ")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "os.toml: the key profile is missing; add it, a whole number"),
        ("profile = 2\n", "os.toml:1: profile is 2, a format that is unknown here; known: 1"),
        ('profile = "1"\n', "os.toml:1: profile is '1', which is not a whole number"),
        ('profile = 1\nextends = "none"\n', "os.toml:2: 'none' is no known profile; choose one of ambilink, bare, "),
        ('profile = 1\nextends = "x/y.toml"\n', "os.toml:2: extends names x/y.toml, which is not there"),
        (
            "profile = 1\n\n[formats]\n",
            "os.toml:3: unknown key formats; did you mean 'format'? known here: contract, extends, format, ",
        ),
        ("profile = 1\nformat = 3\n", "os.toml:2: format is 3, which is not a table"),
        (
            "profile = 1\n[format]\nrelrs = true\n",
            "os.toml:3: unknown key format.relrs; did you mean 'relr'? known here: hash, max-page",
        ),
        ('profile = 1\n[format]\n# x\nrelr = "yes"\n', "os.toml:4: format.relr is 'yes', which is not true or false"),
        ('profile = 1\n[format]\nhash = "md5"\n', "os.toml:3: format.hash is 'md5'; choose one of: gnu, sysv, both"),
        ("profile = 1\n[format]\nmax-page-size = 5000\n", "os.toml:3: format.max-page-size is 5000; write a power"),
        ('profile = 1\n[format]\nsoname = "x.so"\n', "os.toml:3: format.soname has no {name}; libraries would have"),
        ('profile = 1\n[format]\nsoname = "{nam}"\n', "os.toml:3: format.soname uses {nam}; known: {prefix}, {name}"),
        ('profile = 1\n[programs]\nentry = "a b"\n', "os.toml:3: programs.entry is 'a b', which is no symbol's name"),
        ('profile = 1\n[programs]\nloader-symbols = ["1"]\n', "programs.loader-symbols has '1', which is no symbol's"),
        ('profile = 1\n[programs]\nstatic-start = "a.S"\n', "programs.static-start is 'a.S', which is not a list"),
        ("profile = 1\n[language]\nflags = [1]\n", "os.toml:3: language.flags has the item 1, which is not a text in"),
        ('profile = 1\n[language]\ndefines = ["=1"]\n', "language.defines has '=1'; write NAME or NAME=VALUE"),
        (
            'profile = 1\n[language]\nruntime = "rt.a"\n',
            "runtime names rt.a, which is not there; correct the path, or say 'compiler'",
        ),
        (
            'profile = 1\n[places]\nprograms = "../x"\n',
            "places.programs is '../x', which leads out of the build folder",
        ),
        ('profile = 1\n[places]\ndebug-suffix = "/d"\n', "places.debug-suffix is '/d', which has a / in it; write"),
        ('profile = 1\n[contract]\nneeds = ["hash"]\n', "contract.needs has 'hash'; choose one of: DT_HASH, DT_GNU_"),
        ('profile = 1\n[contract]\nrelocations = ["R_X86_64_DAT"]\n', "contract.relocations has 'R_X86_64_DAT'; write"),
        ("profile = 1\n[contract]\nalign-max = 3\n", "os.toml:3: contract.align-max is 3; write a power of two"),
        ("profile = 1\n[contract]\nname-max = 0\n", "os.toml:3: contract.name-max is 0; write a number from 1"),
        ("profile = 1\n[contract]\ntls-modules = -1\n", "contract.tls-modules is -1; write a number from 0"),
        ('profile = 1\n[verdict]\npass-codes = ["x"]\n', "os.toml:3: verdict.pass-codes has the item 'x'"),
        ('profile = 1\n[programs]\nentry = "a\\u0000"\n', "which has a NUL in it; leave it out"),
    ],
)
def test_mistakes(tmp_path, text, message):
    assert message in said(tmp_path, text)


@pytest.mark.parametrize(
    "text, message",
    [
        (
            '[format]\nrelr = true\n[contract]\nrelocations = ["relative"]\n',
            "os.toml:3: format.relr is true, and contract.relocations has no 'relr'; set format.relr to false, or add",
        ),
        ('[contract]\nrelocations = ["relative"]\n', "os.toml:3: format.relr is true, and contract.relocations has no"),
        ('[contract]\nneeds = ["DT_HASH"]\n', "os.toml:3: format.hash is 'gnu', and contract.needs has 'DT_HASH'; set"),
        (
            '[format]\nhash = "sysv"\n[contract]\nneeds = ["DT_GNU_HASH"]\n',
            "os.toml:3: format.hash is 'sysv', and contract.needs has 'DT_GNU_HASH'; set format.hash to 'gnu'",
        ),
        (
            '[format]\nsection-headers = false\n[contract]\nneeds = ["section-headers"]\n',
            "os.toml:3: format.section-headers is false, and contract.needs asks for them; set",
        ),
        (
            '[format]\nsection-headers = false\n[contract]\nsections = [".dynsym"]\n',
            "os.toml:3: format.section-headers is false, and contract.sections asks for them; set",
        ),
        ('[programs]\ndynamic = "none"\ninterpreter = "/ld"\n', "os.toml:4: programs.interpreter is '/ld', and"),
        ('[programs]\ndynamic = "none"\nloader-symbols = ["a"]\n', "os.toml:4: programs.loader-symbols names symbols"),
        ('[programs]\ndynamic = "none"\nstatic = "none"\n', "os.toml:4: programs.static and programs.dynamic are"),
        ('[contract]\nstatic-types = ["ET_EXEC"]\n', "os.toml:3: programs.static is 'pie', and contract.static-types"),
        ('[contract]\ndynamic-types = ["ET_EXEC"]\n', "os.toml:3: programs.dynamic is 'pie', and contract.dynamic-ty"),
        ("[format]\nmax-page-size = 65536\n[contract]\nalign-max = 4096\n", "os.toml:3: format.max-page-size is 65536"),
        ("[format]\nmax-page-size = 4096\n[contract]\npage-size = 65536\n", "os.toml:3: format.max-page-size is 4096"),
        (
            '[programs]\nstatic = "exec"\n[contract]\nlowest-address = 0x800000\n',
            "os.toml:5: programs.load-address is 0x400000, outside contract.lowest-address",
        ),
        ('[format]\nsoname = "{name}.{version}"\n', "os.toml:3: format.soname uses {version}, and format.version is"),
    ],
)
def test_contradictions(tmp_path, text, message):
    """Reported where the first of the keys is written, whichever file of a chain that is."""
    assert message in said(tmp_path, "profile = 1\n" + text)
    if text.split("\n", 1)[1] == 'relocations = ["relative"]\n':
        profile(tmp_path, "profile = 1\n" + text + "[format]\nrelr = false\n", "base.toml")
        inherited = said(tmp_path, 'profile = 1\nextends = "base.toml"\n[format]\n\nrelr = true\n')
        assert inherited.startswith("os.toml:5: format.relr")


def test_profiles_are_not_altered():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_profile("bare").name = "x"


@given(st.integers(0, len(EVERYTHING)), st.integers(0, 12), st.text('[]{}="\\n.#x1-', max_size=4))
def test_damaged_profiles_are_read_or_refused(tmp_path_factory, at, length, put):
    text = EVERYTHING[:at] + put + EVERYTHING[at + length :]
    path = tmp_path_factory.mktemp("damaged") / "os.toml"
    path.write_text(text)
    try:
        load_profile(str(path))
    except AmbilinkError as error:
        assert error.where.startswith(str(path)) and "\n" not in str(error)


# Lines of keys.

KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"h\\u0041"', "12"])
VALUES = st.sampled_from(
    [
        *(
            "1",
            "-2.5e3",
            "true",
            "1979-05-27 07:32:00",
            '"x # [y] = {"',
            "'''\na\n= b\n'''",
            '"""\\"""\n[c]\n"""',
            "[]",
            "{}",
        ),
        *('[1,\n 2, # [\n "]",\n]', "[{ p = 1 },\n { p = [\n2] }]", '{ q = 1, "r s" = [ "}" ] }', "{ q.w = 2 }"),
    ]
)
LINES = st.lists(st.tuples(st.sampled_from(["", "\n", "# [x] = 'y\n", " \t"]), KEYS, VALUES), max_size=6)


def _plain(key):
    return next(iter(tomllib.loads(f"{key}=0")))


@given(LINES, st.lists(st.tuples(st.sampled_from(["[{}]", "[[{}]]", "[ {} . z ]"]), KEYS, LINES), max_size=4))
def test_the_line_of_every_key(tmp_path_factory, top, tables):
    """A text is written, its keys are counted as they are written, and the reader must say the same lines."""
    text, expected, used = "", [], {}
    counts = {}
    for header, name, lines in [("", "", top), *tables]:
        plain = _plain(name) if name else ""
        if header:
            if plain in used and not (header == "[[{}]]" == used[plain]):
                continue
            used[plain] = header
            text += header.format(name) + "\n"
        path = [] if not header else [plain]
        if header == "[[{}]]":
            path.append(counts.setdefault(plain, -1) + 1)
            counts[plain] += 1
        elif "z" in header:
            path.append("z")
        seen = set()
        for before, key, value in lines:
            word = _plain(key)
            if word in seen or (not header and word in used):
                continue
            seen.add(word)
            if not header:
                used[word] = "key"
            text += before
            expected.append(([*path, word], text.count("\n") + 1))
            text += f"{key} = {value}\n"
    path = tmp_path_factory.mktemp("toml") / "x.toml"
    path.write_text(text)
    document = toml_file.read(path)
    for keys, line in expected:
        values = document
        for part in keys[:-1]:
            values = values[part]
        assert Table(path, "", values).line_of(keys[-1]) == line, (keys, text)
