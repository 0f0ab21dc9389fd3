"""The rules for linked files, each broken once by changing a sound file."""

import struct

import pytest

from ambilink.elf.abi import Abi
from ambilink.elf.check import OutputKind, check, check_target
from ambilink.elf.psabi import psabi_of
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError

INTERPRETER = "/lib/ld.so"


@pytest.fixture
def libraries(build):
    return {path.name: path for path in (build / "lib").glob("*.so")}


def headers(data):
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return [(at + 56 * i, struct.unpack_from("<II", data, at + 56 * i)) for i in range(count)]


def changed(tmp_path, source, function):
    data = bytearray(source.read_bytes())
    function(data)
    path = tmp_path / source.name
    path.write_bytes(data)
    return path


def test_what_the_build_made_passes(build, libraries):
    check(build / "services/greet", OutputKind.DYNAMIC_PROGRAM, libraries, [], interpreter=INTERPRETER)
    check(build / "services/loader", OutputKind.STATIC_PROGRAM, {}, [])
    check(build / "lib/libc.so", OutputKind.SHARED_LIBRARY, libraries, [], "libc.so")
    check(build / "kernel", OutputKind.KERNEL, {}, [])


def test_another_processor(build):
    check_target(build / "services/greet", "EM_X86_64", 0)
    with pytest.raises(AmbilinkError, match="e_machine is EM_X86_64, and the target's is EM_RISCV"):
        check_target(build / "services/greet", "EM_RISCV", 5)
    with pytest.raises(AmbilinkError, match="EM_PDP11: is no e_machine that is known; choose one of EM_AARCH64, "):
        psabi_of("EM_PDP11")


@pytest.mark.parametrize("flags, sound", [(0x5, True), (0x4, True), (0x1, False), (0x3, False), (0xD, False)])
def test_another_calling_convention(tmp_path, flags, sound):
    """Compressed instructions are none; floating-point arguments in other registers are."""
    path = tmp_path / "libx.so"
    path.write_bytes(stub(Abi("libx.so", (), (), ()), "EM_RISCV", flags=flags))
    if sound:
        check_target(path, "EM_RISCV", 0x5)
    else:
        with pytest.raises(AmbilinkError, match=f"e_flags are {flags:#x}, another calling convention than .* 0x5"):
            check_target(path, "EM_RISCV", 0x5)


def test_a_type_that_the_linker_made_up(build, tmp_path, libraries):
    path = changed(tmp_path, build / "lib/libdigest.so", lambda data: struct.pack_into("<H", data, 16, 2))
    with pytest.raises(AmbilinkError, match="e_type is ET_EXEC, a shared library must be ET_DYN; the linker ignored"):
        check(path, OutputKind.SHARED_LIBRARY, libraries, [])


def test_writable_and_executable(build, tmp_path, libraries):
    def open_up(data):
        for at, (kind, flags) in headers(data):
            if kind == 1 and flags & 1:
                struct.pack_into("<I", data, at + 4, 7)

    path = changed(tmp_path, build / "services/greet", open_up)
    with pytest.raises(AmbilinkError, match="is writable and executable"):
        check(path, OutputKind.DYNAMIC_PROGRAM, libraries, [], interpreter=INTERPRETER)


def test_relro_behind_its_segment(build, tmp_path):
    """As lld 14 writes it with -z common-page-size=65536."""

    def lengthen(data):
        for at, (kind, _) in headers(data):
            if kind == 0x6474E552:
                struct.pack_into("<Q", data, at + 40, 0x100000)

    path = changed(tmp_path, build / "services/loader", lengthen)
    with pytest.raises(
        AmbilinkError, match=r"PT_GNU_RELRO ends at 0x\w+, and the pages of its segment at 0x\w+; a loa"
    ):
        check(path, OutputKind.STATIC_PROGRAM, {}, [])


def test_an_interpreter(build, libraries):
    with pytest.raises(AmbilinkError, match=r"PT_INTERP is /lib/ld\.so, and none was asked for; .* say interp="):
        check(build / "services/greet", OutputKind.DYNAMIC_PROGRAM, libraries, [])
    with pytest.raises(AmbilinkError, match=r"PT_INTERP is /lib/ld\.so, and /lib/other\.so was asked for"):
        check(build / "services/greet", OutputKind.DYNAMIC_PROGRAM, libraries, [], interpreter="/lib/other.so")
    with pytest.raises(AmbilinkError, match=r"PT_INTERP is missing, and /lib/ld\.so was asked for"):
        check(build / "services/loader", OutputKind.STATIC_PROGRAM, {}, [], interpreter=INTERPRETER)


def test_needed_where_nothing_may_be(build):
    with pytest.raises(AmbilinkError, match=r"static, but has NEEDED lib\w+.so"):
        check(build / "services/greet", OutputKind.STATIC_PROGRAM, {}, [], interpreter=INTERPRETER)


def test_an_unknown_library(build, libraries):
    del libraries["libposix.so"]
    with pytest.raises(AmbilinkError, match=r"libc.so: needs libposix.so, which is no known library"):
        check(build / "services/fortune", OutputKind.DYNAMIC_PROGRAM, libraries, [], interpreter=INTERPRETER)


def test_an_undefined_symbol_names_the_object(build, libraries):
    libraries["libc.so"] = libraries["libdigest.so"]
    objects = sorted((build / "obj/fortune").rglob("*.o"))
    with pytest.raises(AmbilinkError, match=r"undefined symbol \w+, needed by main.c.o \(and \d+ more\)"):
        check(build / "services/fortune", OutputKind.DYNAMIC_PROGRAM, libraries, objects, interpreter=INTERPRETER)


def test_a_wrong_soname(build, libraries):
    with pytest.raises(AmbilinkError, match=r"SONAME is libc.so, not libd.so"):
        check(build / "lib/libc.so", OutputKind.SHARED_LIBRARY, libraries, [], "libd.so")


def test_rubbish(tmp_path):
    for data in (b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(100), bytes(5000)):
        path = tmp_path / "file"
        path.write_bytes(data)
        with pytest.raises(AmbilinkError):
            check(path, OutputKind.DYNAMIC_PROGRAM, {}, [])
