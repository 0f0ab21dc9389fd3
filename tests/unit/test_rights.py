"""`ambilink image ls --rights`: who may do what after the boot; docs/boot-image.md shows some of it."""

import subprocess
import sys

import pytest

from ambilink.bootimage.container import read
from ambilink.report.rights import rights_table

SHOWN = """\
loader
  holds      log, power, keys, starting services
"""
AUDIT = """\
audit (program)
  holds      itself (manage, duplicate, transfer), loader (call), names (call)
  registers  audit
  starts     fortune
  opens      *
  may        asks what lies where in other processes
"""


@pytest.fixture(scope="module")
def text(build) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "image", "ls", "--rights", build / "boot.img"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_what_is_printed(text, build, top):
    assert text.startswith(SHOWN) and AUDIT in text
    assert text.splitlines() == rights_table(read(build / "boot.img").archive)
    document = (top / "docs/boot-image.md").read_text()
    assert SHOWN in document and AUDIT in document


def test_each_service_holds_what_its_grants_say(text):
    blocks = {block.partition("\t")[0]: block for block in text.replace("\n  ", "\t").splitlines()}
    assert "names (receive), log (write)" in blocks["names (daemon)"] and "registers" not in blocks["names (daemon)"]
    assert "log" not in blocks["files (daemon)"] and "image (read)" in blocks["files (daemon)"]
    assert "image" not in blocks["greet (program)"] and "opens      etc/motd" in blocks["greet (program)"]
