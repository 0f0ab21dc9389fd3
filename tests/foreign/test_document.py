"""docs/your-own-system.md: each command runs, in its order, and each snippet is part of the file above it. GRUB
boots the system by them, too."""

import re
import shutil

import pytest

from .conftest import PROJECT

BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(ambilink [^`]+)`")


@pytest.fixture(scope="module")
def blocks(top) -> list[re.Match[str]]:
    return list(BLOCK.finditer((top / "docs/your-own-system.md").read_text()))


def test_each_snippet_is_in_its_file(blocks):
    snippets = [block for block in blocks if block["language"] != "sh"]
    assert len(snippets) > 15
    for block in snippets:
        assert block["file"], f"no file stands above\n{block['text']}"
        assert block["text"] in (PROJECT / block["file"]).read_text(), f"{block['file']} has no\n{block['text']}"


@pytest.mark.tools
def test_each_command_runs(blocks, fern, installed, tmp_path):
    folder = tmp_path
    ran = 0
    for line in "".join(block["text"] for block in blocks if block["language"] == "sh").splitlines():
        assert line.startswith("$ "), line
        command, *words = line[2:].split()
        if command == "pip":
            continue  # `installed` did
        if command == "cd":
            folder = fern.folder if words == ["fern"] else folder / words[0]
            continue
        if "qemu" in words and shutil.which("qemu-system-x86_64") is None:
            continue
        if "fern.iso" in words and (shutil.which("grub-mkrescue") is None or shutil.which("xorriso") is None):
            continue
        if folder == fern.folder and command == "ambilink":
            fern.ambilink(*words)
        else:
            installed.run(folder, *{"scons": ["SCons", "-Q"], "ambilink": ["ambilink"]}[command], *words)
        ran += 1
    assert ran >= 6


def test_the_commands_in_the_text_run(top, fern):
    found = INLINE.findall((top / "docs/your-own-system.md").read_text())
    assert len(found) == 2
    for command in found:
        fern.ambilink(*command.split()[1:])
