"""The rules of a loader's contract, each kept by one file and broken by another; judged by pyelftools, too."""

import subprocess

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.cli import main
from ambilink.compile.contract import Contract, relocation_name
from ambilink.compile.declared import declared
from ambilink.compile.profile import load_profile
from ambilink.elf.check import OutputKind
from ambilink.elf.contract import Loaded, broken, contract_of
from ambilink.elf.psabi import PSABIS, Kind

SOURCE = """
extern int other, other_weak __attribute__((weak)); int other_call(void);
static int here; int *there = &here, *far = &other;
int call(void) { return other_call() + other + (&other_weak != 0); }
void _start(void) { call(); }
"""
TLS = "_Thread_local int own = 1; int get(void) { return own++; }"
IFUNC = """
static int one(void) { return 1; } __attribute__((used)) static void *pick(void) { return one; }
__asm__(".type pick, @gnu_indirect_function\\n.globl chosen\\n.set chosen, pick");
int chosen(void); int use(void) { return chosen(); }
"""
SHARED = ("-shared", "-soname", "libx.so", "--hash-style=gnu", "--pack-dyn-relocs=none", "-z", "max-page-size=4096")
EXEC = ("-no-pie", "-static", "--image-base=0x400000", "-z", "max-page-size=4096", "--unresolved-symbols=ignore-all")


@pytest.fixture(scope="module")
def link(toolset, tmp_path_factory):
    """link(source, *flags): the path of a linked file."""
    if toolset.name == "gnu":
        pytest.skip("uses lld's options; what is read is the same")
    made = {}

    def link(source, *flags, name="libx.so", compile_flags=("-fPIC",)):
        if (source, flags, name) not in made:
            folder = tmp_path_factory.mktemp("contract")
            (folder / "x.c").write_text(source)
            cc = [*toolset.cc, *toolset.compile_flags, *compile_flags, "-O1", "-w", "-c", "x.c", "-o", "x.o"]
            subprocess.run(cc, cwd=folder, check=True)
            subprocess.run([*toolset.ld, *flags, "-o", name, "x.o"], cwd=folder, check=True)
            made[source, flags, name] = folder / name
        return made[source, flags, name]

    return link


def breaks(path, output=None, libraries=(), **rules):
    return list(broken(Loaded.open(path), Contract(**rules), output, [Loaded.open(each) for each in libraries]))


def only(found, key):
    (one,) = found
    assert one.key == key and one.remedy
    return one


def test_no_rules_are_kept_by_everything(build):
    for folder in ("services", "lib"):
        for path in sorted((build / folder).glob("*")):
            if path.suffix in ("", ".so") and path.is_file():
                assert not breaks(path), path


def test_our_own_contract_is_kept(build):
    rules = load_profile("ambilink").contract
    for path in sorted((build / "lib").glob("*.so")):
        assert not list(broken(Loaded.open(path), rules)), path


def test_relocations(link):
    path = link(SOURCE, *SHARED)
    with path.open("rb") as stream:
        types = {each["r_info_type"] for each in ELFFile(stream).get_section_by_name(".rela.dyn").iter_relocations()}
    assert types == {6, 8, 1}  # GLOB_DAT, RELATIVE, 64 by the judge
    kinds = ("glob-dat", "jump-slot", "relative", "absolute")
    assert not breaks(path, relocations=kinds)
    assert not breaks(path, relocations=("R_X86_64_GLOB_DAT", "R_X86_64_64", "jump-slot", "R_X86_64_RELATIVE"))
    found = only(breaks(path, relocations=("jump-slot", "relative", "absolute")), "relocations")
    assert found.symbol in ("other", "other_weak") and "has R_X86_64_GLOB_DAT at 0x" in found.rule
    found = only(breaks(path, relocations=("glob-dat", "jump-slot", "absolute")), "relocations")
    assert found.symbol is None and found.address


def test_relr(link):
    path = link(SOURCE, *(flag.replace("=none", "=relr") for flag in SHARED))
    kinds = ("glob-dat", "jump-slot", "relative", "absolute")
    assert not breaks(path, relocations=(*kinds, "relr"))
    assert "DT_RELR" in only(breaks(path, relocations=kinds), "relocations").rule


def test_ifunc_and_thread_local(link):
    rules = {"relocations": ("jump-slot", "glob-dat", "relative")}
    found = only(breaks(link(IFUNC, *SHARED, "-Bsymbolic"), **rules), "relocations")
    assert "R_X86_64_IRELATIVE" in found.rule and found.remedy.startswith("leave out IFUNCs")
    exported = link(IFUNC.split("int chosen")[0], *SHARED)
    found = only(breaks(exported, **rules), "relocations")
    assert found.symbol == "chosen" and "exports the IFUNC chosen" in found.rule
    assert not breaks(exported, relocations=(*rules["relocations"], "irelative"))
    assert contract_of([Loaded.open(exported)])["relocations"] == ["irelative"]
    assert "R_X86_64_DTPMOD64" in breaks(link(TLS, *SHARED), **rules)[0].rule


def test_static_programs_have_no_loader(link):
    path = link(SOURCE, *EXEC, name="program", compile_flags=("-fno-pic",))
    assert not breaks(path, relocations=("copy",), needs=("DT_HASH",), sections=(".dynsym",), versions=False)


@pytest.mark.parametrize("style, lacks", [("gnu", "DT_HASH"), ("sysv", "DT_GNU_HASH"), ("both", None)])
def test_hash_tables(link, style, lacks):
    path = link(SOURCE, *SHARED[:3], f"--hash-style={style}")
    found = breaks(path, needs=("DT_HASH", "DT_GNU_HASH"))
    assert [each.rule for each in found] == ([f"has no {lacks}"] if lacks else [])


def test_section_headers(build):
    from ambilink.bootimage.pack import shipped

    data = shipped(build / "lib/liblog.so")
    file = Loaded(build / "lib/liblog.so", data)
    assert [each.key for each in broken(file, Contract(needs=("section-headers",)))] == ["needs"]
    assert not breaks(build / "lib/liblog.so", needs=("section-headers",))


def test_sections_by_name(link, tmp_path):
    path = link(SOURCE, *SHARED)
    names = (
        ".dynsym",
        ".rela.plt",
        ".hash",
        ".tdata",
    )  # it has no DT_HASH and no TLS, so it need not have the last two
    assert not breaks(path, sections=names)
    renamed = tmp_path / "libx.so"
    renamed.write_bytes(path.read_bytes().replace(b".rela.plt\0", b".rela.xyz\0"))
    assert only(breaks(renamed, sections=names), "sections").rule == "has no section .rela.plt"
    assert only(breaks(path, sections=(".mine",)), "sections").rule == "has no section .mine"


def test_types(link):
    static = link(SOURCE, *EXEC, name="program", compile_flags=("-fno-pic",))
    assert not breaks(static, static_types=("ET_EXEC",), dynamic_types=("ET_DYN",))
    assert (
        only(breaks(static, static_types=("ET_DYN",)), "static-types").rule == "is ET_EXEC, and the loader maps ET_DYN"
    )
    dynamic = link(SOURCE, "-pie", "--dynamic-linker=/ld", "--unresolved-symbols=ignore-all", name="dynamic")
    assert only(breaks(dynamic, dynamic_types=("ET_EXEC",)), "dynamic-types")


def test_names(link):
    path = link(SOURCE, *SHARED[:1], "-soname", "lib-long-name.so")
    assert not breaks(path, name_max=16, symbol_max=10)
    assert "DT_SONAME lib-long-name.so has 16 bytes, more than 15" in only(breaks(path, name_max=15), "name-max").rule
    assert {each.symbol for each in breaks(path, symbol_max=9)} == {"other_call", "other_weak"}


def test_thread_local_modules(link):
    program = link(TLS + " void _start(void) { get(); }", "-pie", "--dynamic-linker=/ld", name="program")
    library = link(TLS, *SHARED)
    output = OutputKind.DYNAMIC_PROGRAM
    assert not breaks(program, output, [library], tls_modules=2)
    found = only(breaks(program, output, [library], tls_modules=1), "tls-modules")
    assert found.rule == "2 files of one process have thread-local storage (program, libx.so), more than 1"
    assert only(breaks(library, tls_modules=0), "tls-modules")


def test_alignment(link):
    path = link(SOURCE, *SHARED[:3], "-z", "max-page-size=65536")
    assert not breaks(path, align_max=65536, page_size=65536)
    assert "aligned to 65536, more than 4096" in breaks(path, align_max=4096)[0].rule
    aligned = link("_Alignas(128) _Thread_local int own; int get(void) { return own++; }", *SHARED[:3])
    assert only(breaks(aligned, align_max=64)[-1:], "align-max").rule.startswith("its PT_TLS is aligned to 128")


def test_pages(link):
    path = link(SOURCE, *SHARED[:3], "-z", "max-page-size=4096", "-z", "separate-code")
    assert not breaks(path, page_size=4096)
    found = breaks(path, page_size=65536)
    assert found and all(each.key == "page-size" for each in found)


def test_addresses(link):
    path = link(SOURCE, *EXEC, name="program", compile_flags=("-fno-pic",))
    assert not breaks(path, lowest_address=0x400000, highest_address=0x500000)
    assert "begins at 0x400000, below 0x500000" in only(breaks(path, lowest_address=0x500000), "lowest-address").rule
    assert only(breaks(path, highest_address=0x401000), "highest-address")
    shared = link(SOURCE, *SHARED)
    assert not breaks(shared, lowest_address=0x400000, highest_address=0x10000)  # it may lie anywhere
    assert only(breaks(shared, highest_address=0x1000), "highest-address")


def test_writable_and_executable(link):
    path = link(SOURCE, *SHARED, "--omagic")
    assert only(breaks(path)[:1], "write-xor-execute")
    assert not breaks(path, write_xor_execute=False)


def test_versions(link, tmp_path):
    script = tmp_path / "x.map"
    script.write_text("X_1 { global: call; local: *; };\n")
    path = link(SOURCE, *SHARED, "--version-script", str(script))
    assert not breaks(path, versions=True)
    assert only(breaks(path, versions=False), "versions")


def test_rules_are_for_the_outputs_that_are_named(link):
    path = link(SOURCE, *SHARED)
    assert breaks(path, needs=("DT_HASH",), outputs=("libraries",))
    assert not breaks(path, needs=("DT_HASH",), outputs=("programs", "modules"))
    assert breaks(path, OutputKind.MODULE, needs=("DT_HASH",), outputs=("modules",))


def test_every_relocation_has_a_name_and_a_kind():
    for machine, psabi in PSABIS.items():
        for number, kind in psabi.kinds.items():
            if kind is not Kind.NONE:
                assert relocation_name(machine, number).rsplit("_", 1)[-1] != str(number), (machine, number)


# The command.


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["contract", *map(str, words)])
    return ended.value.code, *capsys.readouterr()


def test_the_contract_that_is_printed_is_kept_and_tight(build, tmp_path, capsys):
    """It holds as a profile; and with any number lower, or any list shorter, it does not."""
    files = [build / "services/greet", *sorted((build / "lib").glob("*.so"))]
    status, printed, _ = run(capsys, *files)
    assert status == 0
    path = tmp_path / "os.toml"
    text = 'profile = 1\nextends = "ambilink"\n[places]\nlibraries = "l"\n'
    path.write_text(text + printed)
    status, said, wrong = run(capsys, *files, "--against", path)
    assert status == 0 and said.count("keeps the contract of os") == len(files) and not wrong
    contract = load_profile(str(path)).contract
    for key in ("name-max", "symbol-max", "align-max", "highest-address", "tls-modules"):
        value = getattr(contract, declared(Contract)[key][0])
        lower = value // 2 if key == "align-max" else value - 1
        if lower < 0:
            continue
        lines = (f"{key} = {lower}" if each.startswith(f"{key} =") else each for each in printed.splitlines())
        path.write_text(text + "\n".join(lines))
        status, _, wrong = run(capsys, *files, "--against", path)
        assert status == 1 and f"contract.{key}: " in wrong, key
    for name in contract.relocations:
        path.write_text(text + printed.replace(f'"{name}"', '"copy"'))
        if name != "relr":
            assert run(capsys, *files, "--against", path)[0] == 1, name


def test_files_that_are_none(tmp_path, capsys):
    path = tmp_path / "x"
    path.write_bytes(b"\x7fELF")
    status, _, wrong = run(capsys, path)
    assert status == 1 and wrong.startswith(f"ambilink: {path}: is not a 64-bit little-endian ELF file; give what")
    status, _, wrong = run(capsys, path, "--against", "nowhere")
    assert status == 2 and "'nowhere' is no known profile; choose one of ambilink" in wrong
