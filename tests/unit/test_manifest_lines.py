"""What is wrong in a manifest is reported with its line, what may have been meant, and what to do."""

import pytest

from ambilink.bootimage import manifest, multiboot_manifest
from ambilink.bootimage.pack import pack
from ambilink.errors import AmbilinkError

HEAD = '# A system.\n[image]\nmodules = [\n  "serial",\n  "rtc",\n]\n\n'
RUNS = '[[service]]\nname = "a"\nrole = "program"\n'


def refusal(read, tmp_path, text):
    path = tmp_path / "boot.toml"
    path.write_text(text)
    with pytest.raises(AmbilinkError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:"), message
    assert message.isprintable() and "; " in message  # one line, with a remedy
    return message.removeprefix(f"{path}:")


@pytest.mark.parametrize(
    "text, message",
    [
        ("[image]\nlinker = [\n", "3: is not TOML: "),
        ("[image]\n[image]\n", "2: is not TOML: [image] is there twice, first in line 1; repair"),
        (RUNS + 'arguments = [\n  "x",\n  "a\\u0000b",\n]\n', "6: service a.arguments has a NUL in 'a\\x00b'"),
        (RUNS + 'arguments = ["a\\u001b[2J"]\n', "4: service a.arguments has the control character '\\x1b'"),
        (RUNS + 'arguments = ["a\\nb"]\n', "4: service a.arguments has the control character '\\n'"),
        (RUNS + 'arguments = ["a\\u0085b"]\n', "4: service a.arguments has the control character '\\x85'"),
        (RUNS + 'environment = { A = "x\\u0000" }\n', "4: service a.environment.A has a NUL"),
        (RUNS + 'environment = { "A\\n" = "x" }\n', "4: service a.environment.'A\\n' has the control character"),
        (RUNS + 'environment = { "A=B" = "x" }\n', "4: service a.environment.A=B is no name of a variable"),
        (RUNS + 'grants = [\n  "log",\n  "imgae",\n]\n', "6: service a.grants is 'imgae'; did you mean 'image'?"),
        (RUNS + "arguments = [\n  1,\n]\n", "5: service a.arguments has the item 1, which is not a text in"),
        (RUNS + 'stak = 1\n"b\\n" = 2\n', "4: unknown key service a.stak; did you mean 'stack'?"),
        (RUNS + '"b\\n" = 2\n', "4: unknown key service a.'b\\n'; known here: "),
        ('[[service]]\nnmae = "a"\n', "2: unknown key service 1.nmae; did you mean 'name'?"),
        (RUNS + 'program = ""\n', "4: service a.program is ''; write the name of a file"),
        (RUNS + 'program = "x\\u0000y"\n', "4: service a.program is 'x\\x00y'; write the name of a file"),
        (RUNS + f'stack = 4096\narguments = ["{"x" * 3000}"]\n', "4: service a.stack is 4096, and arguments and env"),
        (RUNS + RUNS, "5: service a is there twice, first in line 2; give each"),
        (RUNS + 'role = "demon"\n', "4: is not TOML: Cannot overwrite a value"),
        ('[image]\nmodules = [\n "a",\n "b",\n "a",\n]\n' + RUNS, "5: image.modules has 'a' twice; leave one"),
        ('[image]\nlibraries = [\n "a/b",\n]\n' + RUNS, "3: image.libraries has 'a/b'; give the file's name alone"),
        ('[image]\nlinker = "paco"\n' + RUNS, "2: image.linker is 'paco'; did you mean 'pack'? choose one of: loader"),
        ('[image]\nlinkre = "pack"\n' + RUNS, "2: unknown key image.linkre; did you mean 'linker'?"),
        ('[image]\nkernel = ""\n' + RUNS, "2: image.kernel is ''"),
        (RUNS + "[file]\n", "4: unknown key file; did you mean 'files'?"),
        ('[a]\n[ b . c ]\n[b.c]\n', "3: is not TOML: [b.c] is there twice, first in line 2; repair it there"),
        ('[service]\nname = "names"\n', "1: service is one table, and there may be several; write its heading as"),
        ("service = [3]\n", "1: service has the item 3, which is not a table; write [[service]]"),
        ('[[service]]\nrole = "program"\n', '1: [[service]] number 1 has no name; add name = "..."'),
        ("# nothing\n\n[image]\n", "3: service lists nothing to start; add a [[service]]"),
        ('[[servce]]\nname = "a"\n', "1: unknown key servce; did you mean 'service'?"),
        (RUNS + "environment = [1]\n", "4: service a.environment is a list, which is not a table; write a table"),
        (RUNS + "arguments = [{ a = 1 }]\n", "4: service a.arguments has the item a table, which is not a text"),
        (RUNS + "stack = true\n", "4: service a.stack is true, which is not a whole number; write a whole number"),
        (RUNS + "[[module]]\n", "4: module is not for format 'ambilink'"),
        (RUNS + '[files]\n"a" = "x"\n"/etc" = "x"\n', "6: files./etc is '/etc'; use a relative name"),
        (RUNS + '[files]\n"etc" = "x"\n"etc/motd" = "x"\n', "6: files.etc/motd and files.etc cannot both be there"),
        (RUNS + '[files]\n"etc" = "x\\n"\n', "5: files.etc is 'x\\n'; write the name of a file"),
        ('[[service]]\nname = "a"\n[[service]]\nname = "b"\n', '2: no service has role = "program", so the boot would'),
        ('[[service]]\nname = "a"\nrole = "on-demand"\n', '2: no service has role = "program"'),
        (RUNS + 'starts = [\n "a",\n "aa",\n]\n', "6: service a.starts has 'aa', which is no service of this"),
        (RUNS + 'starts = [\n "names",\n]\n', "5: service a.starts has 'names', the registry, which"),
        (RUNS + 'starts = ["a*"]\n', "4: service a.starts has 'a*'; write a name, \"folder/*\" or \"*\""),
        (RUNS + 'registers = ["x", "x"]\n', "4: service a.registers has 'x' twice; leave one of them"),
        (RUNS + 'registers = ["*"]\n', "4: service a.registers has '*'; write whole names"),
        (RUNS + f'registers = ["{"x" * 32}"]\n', "4: service a.registers has 'xxx"),
        (RUNS + f"registers = {[f'n{i}' for i in range(33)]}\n", "4: service a.registers has 33 items; give at most"),
        (RUNS + 'opens = [\n "/etc/motd",\n]\n', "5: service a.opens has '/etc/motd'; use a relative name of 1 to 95"),
        (RUNS + 'opens = ["etc/../motd"]\n', "4: service a.opens has 'etc/../motd'; use a relative name"),
        (RUNS + "opens = [1]\n", "4: service a.opens has the item 1, which is not a text in quotes; quote it"),
        ('[[service]]\nname = "names"\nrole = "on-demand"\n' + RUNS, "2: service names is the registry, which is"),
    ],
)
def test_a_mistake_has_its_line(tmp_path, text, message):
    assert message in refusal(manifest.read, tmp_path, text)


@pytest.mark.parametrize(
    "text, message",
    [
        ('libraries = [\n  "a",\n  "b/c",\n]\n', "5: image.libraries has 'b/c'"),
        ('[[module]]\nprogarm = "x"\n', "4: unknown key module 1.progarm; did you mean 'program'?"),
        ('[[service]]\nname = "x"\n', "3: service is not for format 'multiboot2'"),
        ('command-line = "a\\u0000"\n', "3: image.command-line has '\\x00', which GRUB does not hand over"),
    ],
)
def test_a_mistake_of_a_multiboot_manifest_has_its_line(tmp_path, text, message):
    head = '[image]\nformat = "multiboot2"\n'
    text = head + text if "[[" not in text else head.replace("\n[", "[") + text
    assert message in refusal(multiboot_manifest.read, tmp_path, text)


@pytest.mark.parametrize(
    "text, message",
    [
        ('[[service]]\nname = "grete"\nrole = "program"\n', "9: unknown service grete: * did you mean 'greet'?"),
        (
            '[[service]]\nname = "names"\nrole = "program"\n[files]\n"a" = "motd"\n"b" = "mod"\n',
            "13: files.b: * cannot",
        ),
        ('[[service]]\nname = "names"\nrole = "program"\n[files]\n"b" = "folder"\n', "12: files.b: * is a folder"),
        (
            '[[service]]\nname = "names"\nrole = "program"\n[files]\n"lib/libc.so" = "motd"\n',
            "12: files.lib/libc.so is",
        ),
    ],
)
def test_a_file_that_is_not_there_has_its_line(tmp_path, build, text, message):
    (tmp_path / "motd").write_text("text")
    (tmp_path / "folder").mkdir()
    found = refusal(lambda path: pack(path, build, tmp_path / "x.img"), tmp_path, HEAD + text)
    at = 0
    for part in message.split(" * "):
        assert part in found[at:], found
        at = found.index(part, at)
    assert not (tmp_path / "x.img").exists()


def test_a_module_that_is_not_there_has_its_line(tmp_path, build):
    text = HEAD.replace("rtc", "rct") + '[[service]]\nname = "names"\nrole = "program"\n'
    found = refusal(lambda path: pack(path, build, tmp_path / "x.img"), tmp_path, text)
    assert found.startswith("5: unknown module rct: ") and "did you mean 'rtc.so'?" in found


def test_a_byte_that_is_not_utf8_has_its_line(tmp_path):
    path = tmp_path / "boot.toml"
    path.write_bytes(RUNS.encode() + b'arguments = ["\xff"]\n')
    with pytest.raises(AmbilinkError, match=r"boot\.toml:4: has the byte 0xff, which is not UTF-8; write the file in"):
        manifest.read(path)
