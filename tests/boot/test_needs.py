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


def test_a_grant_more_is_kept_in_the_remedy(system):
    system.service("files", grants=["log"]).program("test-exit")
    with pytest.raises(AmbilinkError, match=r'write grants = \["log", "image"\]'):
        system.pack()
