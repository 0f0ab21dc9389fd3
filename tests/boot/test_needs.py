"""Programs say what they cannot do without, and the packer holds the manifest to that."""

import pytest

from ambilink.errors import AmbilinkError


@pytest.mark.parametrize("name, grant", [("console", "log"), ("files", "image")])
def test_a_grant_that_is_missing_has_its_line(system, name, grant):
    system.services[:] = [service for service in system.services if service["name"] != name]
    system.service(name).program("test-exit")
    rule = f"service {name} is not granted '{grant}', without which its program cannot work"
    with pytest.raises(AmbilinkError, match=rf'system\.toml:\d+: {rule}; write grants = \["{grant}"\]'):
        system.pack()
    assert not (system.folder / "system.img").exists()


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ("etc/mtod", r"the image has not a file 'etc/mtod'; did you mean 'etc/motd'\?"),
        ("etc/no/*", r"the image has not a folder 'etc/no' with files; .*"),
    ],
)
def test_a_file_that_is_not_in_the_image_cannot_be_opened(system, item, rule):
    system.file("etc/motd", "x\n").program("test-exit", opens=["etc/*", item])
    with pytest.raises(AmbilinkError, match=rf"system\.toml:\d+: service test-exit\.opens: {rule}"):
        system.pack()


def test_an_interpreter_is_the_manifest_s_choice(system, tmp_path):
    """Whatever PT_INTERP names is not taken from the build folder: it would be given image and log."""
    program = tmp_path / "evil"
    program.write_bytes((system.build / "services/test-exit").read_bytes().replace(b"/lib/ld.so\0", b"/lib/li.so\0"))
    system.program("test-exit", program=str(program), linker="interp")
    with pytest.raises(AmbilinkError, match=r"asks for the interpreter /lib/li\.so, and this image's is /lib/ld\.so; "):
        system.pack()


def test_a_grant_more_is_kept_in_the_remedy(system):
    system.service("files", grants=["log"]).program("test-exit")
    with pytest.raises(AmbilinkError, match=r'write grants = \["log", "image"\]'):
        system.pack()
