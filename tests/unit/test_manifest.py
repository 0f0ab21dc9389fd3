"""Manifests: every mistake is one line with file, key and remedy."""

import pytest

from ambilink.bootimage.layout import BindTime, Calls, Grant, Linker, Role
from ambilink.bootimage.manifest import read
from ambilink.bootimage.pack import pack
from ambilink.errors import AmbilinkError

GOOD = '[[service]]\nname = "a"\n'
RUNS = GOOD + 'role = "program"\n'


def manifest(tmp_path, text):
    path = tmp_path / "boot.toml"
    path.write_text(text)
    return path


def test_everything_that_can_be_said(tmp_path):
    text = """
[image]
kernel = "other"
[[service]]
name = "a"
program = "b"
role = "program"
grants = ["log", "image"]
stack = 8192
memory = 8388608
kernel-memory = 100000
arguments = ["x", "y z"]
preload = ["libx.so"]
binding = "lazy"
environment = { K = "v" }
[files]
"etc/f" = "here/f"
"""
    read_back = read(manifest(tmp_path, text))
    (service,) = read_back.services
    assert (service.name, service.program, service.role) == ("a", "b", Role.PROGRAM)
    assert service.grants == Grant.LOG | Grant.IMAGE and service.stack_size == 8192
    assert (service.memory, service.kernel_memory) == (8 << 20, 100000)
    assert service.arguments == ("x", "y z") and service.environment == ("K=v",)
    assert service.preload == ("libx.so",) and service.binding is BindTime.LAZY
    assert read_back.kernel == "other" and read_back.programs == ["loader", "b"]
    assert read_back.files == {"etc/f": tmp_path / "here/f"}


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "service lists nothing to start; add a [[service]]"),
        ("[[service]\n", "is not TOML: Expected ']]' at the end of an array declaration (at line 1, column 10)"),
        (GOOD + GOOD, "service a is there twice, first in line 2"),
        (GOOD + 'calls = "unix"\n', "service a.calls is 'unix'; choose one of: ambilink, linux"),
        (GOOD + 'calls = "linux"\nlinker = "pack"\n', "service a.linker is 'pack'; a program with calls"),
        ('[image]\nmodules = ["a/b"]\n' + GOOD, "image.modules has 'a/b'; give the module's name alone"),
        (GOOD + 'roll = "program"\n', "unknown key service a.roll; did you mean 'role'? known here: arguments, bind"),
        (GOOD + 'role = "demon"\n', "service a.role is 'demon'; did you mean 'daemon'? choose one of: daemon, program"),
        (GOOD + 'grants = ["root"]\n', "service a.grants is 'root'; choose one of: log, image"),
        (GOOD + "stack = 100\n", "service a.stack is 100; use a multiple of 4096"),
        (GOOD + "memory = 100\n", "service a.memory is 100; use a multiple of 4096 up to 4294967296, or leave it out"),
        (GOOD + "memory = 0\n", "service a.memory is 0; use a multiple of 4096"),
        (GOOD + "kernel-memory = -1\n", "service a.kernel-memory is -1; use a multiple of 1 up to"),
        (GOOD + "kernel-memory = 9999999999\n", "service a.kernel-memory is 9999999999; use"),
        (GOOD + 'stack = "big"\n', "service a.stack is 'big', which is not a whole number"),
        (GOOD + "arguments = [1]\n", "service a.arguments has the item 1, which is not a text"),
        (GOOD + "arguments = [" + '"x",' * 9 + "]\n", "service a.arguments has 9 items; give at most 8"),
        (GOOD + "preload = [" + ", ".join(f'"{n}.so"' for n in range(9)) + "]\n", "preload has 9 items; give at"),
        (GOOD + 'preload = ["lib/a.so"]\n', "service a.preload has 'lib/a.so'; give the library's name alone"),
        (GOOD + 'preload = ["a.so", "a.so"]\n', "service a.preload has 'a.so' twice"),
        (GOOD + 'preload = "a.so"\n', "service a.preload is 'a.so', which is not"),
        (GOOD + 'calls = "linux"\npreload = ["a.so"]\n', 'service a.preload is not for calls = "linux"; set LD_'),
        (GOOD + 'binding = "late"\n', "service a.binding is 'late'; choose one of: now, lazy"),
        (GOOD + 'binding = "lazy"\nlinker = "pack"\n', "service a.binding is 'lazy', and pack binds when the"),
        (GOOD + 'binding = "lazy"\ncalls = "linux"\n', 'service a.binding is not for calls = "linux"; leave it out'),
        ('[image]\nbinding = "never"\n' + GOOD, "image.binding is 'never'; choose one of: now, lazy"),
        (GOOD + 'sysroot = "/"\n', 'service a.sysroot is for calls = "linux"; leave it out'),
        (GOOD + 'brings = ["etc"]\n', 'service a.brings is for calls = "linux"; leave it out'),
        (GOOD + 'calls = "linux"\nbrings = ["etc"]\n', "service a.brings has no sysroot that it is from; give"),
        (GOOD + 'calls = "linux"\nsysroot = "/"\nbrings = ["/etc"]\n', "service a.brings has '/etc'; use a relative"),
        (GOOD + 'calls = "linux"\nsysroot = ""\n', "service a.sysroot is ''; write the name of a file"),
        (GOOD + "environment = { A = 1 }\n", "service a.environment.A is 1; quote it"),
        ('[[service]]\nrole = "program"\n', "[[service]] number 1 has no name"),
        ('[[service]]\nname = "' + "n" * 32 + '"\n', "use a relative name of 1 to 31 bytes"),
        (GOOD + '[files]\n"services/x" = "x"\n', "clashes with the folders of modules, programs and linked pages"),
        (GOOD + '[files]\n"/etc" = "x"\n', "use a relative name"),
        (GOOD + '[files]\n"etc/../../evil" = "x"\n', "is 'etc/../../evil'; use a relative name"),
        (GOOD + '[files]\n"a//b" = "x"\n', "use a relative name"),
        (GOOD + '[files]\n"a\\u001b[2J" = "x"\n', "use a relative name"),
        (GOOD + "stack = 0x" + "f" * 5000 + "\n", "boot.toml:3: has a number of more than 64 bits"),
        (GOOD + "stack = " + "9" * 5000 + "\n", "is not TOML: "),
        ("service = 3\n", "service is 3, which is not a table; write [[service]]"),
    ],
)
def test_mistakes(tmp_path, text, message):
    with pytest.raises(AmbilinkError) as caught:
        read(manifest(tmp_path, text))
    assert message in str(caught.value) and str(tmp_path / "boot.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_manifest(tmp_path):
    with pytest.raises(AmbilinkError, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_an_unknown_service(tmp_path, build):
    with pytest.raises(AmbilinkError, match=r"boot.toml:2: unknown service a: .* is not there; declare it with S"):
        pack(manifest(tmp_path, RUNS), build, tmp_path / "x.img")
    assert not (tmp_path / "x.img").exists()


def test_a_missing_library(tmp_path, build):
    root = tmp_path / "root"
    (root / "services").mkdir(parents=True)
    (root / "lib").mkdir()
    for name in ("loader", "greet"):
        (root / "services" / name).write_bytes((build / "services" / name).read_bytes())
    (root / "kernel").write_bytes((build / "kernel").read_bytes())
    with pytest.raises(AmbilinkError, match=r"services/greet: needs lib\w+.so, and .* is not there"):
        pack(manifest(tmp_path, '[[service]]\nname = "greet"\nrole = "program"\n'), root, tmp_path / "x.img")


def test_who_links(tmp_path):
    text = """
[image]
linker = "kernel"
interpreter = "libc.so"
modules = ["serial", "rtc"]
[[service]]
name = "a"
role = "program"
[[service]]
name = "b"
linker = "interp"
[[service]]
name = "c"
program = "files/c"
calls = "linux"
"""
    found = read(manifest(tmp_path, text))
    assert [service.linker for service in found.services] == [Linker.KERNEL, Linker.INTERP, Linker.INTERP]
    assert [service.calls for service in found.services] == [Calls.AMBILINK, Calls.AMBILINK, Calls.LINUX]
    assert found.interpreter == "libc.so" and found.modules == ("serial", "rtc")


def test_a_dynamic_loader_is_the_kernels_to_link(tmp_path, build):
    services = '[[service]]\nname = "names"\nrole = "program"\n'
    path = manifest(tmp_path, '[image]\nloader = "greet"\n' + services)
    assert pack(path, build, tmp_path / "x.img").archive.loader_linker is Linker.KERNEL
    assert pack(manifest(tmp_path, services), build, tmp_path / "x.img").archive.loader_linker is Linker.LOADER


def test_a_missing_file(tmp_path, build):
    path = manifest(tmp_path, '[[service]]\nname = "names"\nrole = "program"\n[files]\n"etc/x" = "gone"\n')
    with pytest.raises(AmbilinkError, match=r"boot.toml:5: files.etc/x: .*gone cannot be read .*; give the path"):
        pack(path, build, tmp_path / "x.img")


def test_a_preload_that_cannot_be(build, tmp_path):
    def refused(program, preload):
        text = f'[[service]]\nname = "a"\nprogram = "{program}"\nrole = "program"\npreload = ["{preload}"]\n'
        with pytest.raises(AmbilinkError) as caught:
            pack(manifest(tmp_path, text), build, tmp_path / "x.img")
        return str(caught.value)

    assert "boot.toml:5: needs libabsent.so, and " in refused("greet", "libabsent.so")
    assert "boot.toml:5: service a.preload: its program is static" in refused("loader", "liblog.so")


def test_functions_that_cannot_wait(build, tmp_path):
    def service(program, more=""):
        return f'[[service]]\nname = "{program}"\nrole = "program"\n{more}'

    def refused(text):
        with pytest.raises(AmbilinkError) as caught:
            pack(manifest(tmp_path, text), build, tmp_path / "x.img")
        return str(caught.value)

    cannot = "is 'lazy', and none of its functions can wait for its first call; link its program, or a library"
    for program in ("greet", "loader"):  # linked with -z now; static
        assert f"boot.toml:4: service {program}.binding {cannot}" in refused(service(program, 'binding = "lazy"\n'))
    image = '[image]\nbinding = "lazy"\n'
    assert "boot.toml:2: image.binding is 'lazy', and no function of its services" in refused(image + service("greet"))
    packed = pack(manifest(tmp_path, image + service("greet") + service("test-lazy")), build, tmp_path / "x.img")
    assert [each.binding for each in packed.archive.services] == [BindTime.NOW, BindTime.LAZY]
    text = image + 'linker = "pack"\n' + service("greet") + service("test-lazy", 'linker = "kernel"\n')
    packed = pack(manifest(tmp_path, text), build, tmp_path / "x.img")
    assert [each.binding for each in packed.archive.services] == [BindTime.NOW, BindTime.LAZY]


def test_a_library_that_no_program_gives_what_it_takes(build, tmp_path):
    opens = '[image]\nlibraries = ["libopened_guest.so"]\n[[service]]\nname = "a"\nrole = "program"\nprogram = '
    with pytest.raises(AmbilinkError) as caught:
        pack(manifest(tmp_path, opens + '"greet"\n'), build, tmp_path / "x.img")
    assert "boot.toml:2: libopened_guest.so needs host_adds, and no program of the image exports" in str(caught.value)
    assert "exports=['host_adds']" in str(caught.value)
    preloads = '[[service]]\nname = "a"\nprogram = "greet"\nrole = "program"\npreload = ["libguest.so"]\n'
    with pytest.raises(AmbilinkError, match=r"libguest\.so needs host_adds, and neither a nor a library of it defines"):
        pack(manifest(tmp_path, preloads), build, tmp_path / "x.img")
    assert pack(manifest(tmp_path, opens + '"test-hosting"\n'), build, tmp_path / "x.img").size
