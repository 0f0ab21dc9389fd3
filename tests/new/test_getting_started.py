"""docs/getting-started.md: each command is run, and prints the lines that are shown there."""

import re
import shlex
from pathlib import Path


def sessions(page: Path):
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for part in block.split("$ ")[1:]:
            command, *shown = part.splitlines()
            yield shlex.split(command), shown


def normal(line: str) -> str:
    """Sizes and times are of their day."""
    return re.sub(r"[\d,.]*\d", "N", line).strip()


def test_its_commands_work(installed, top, tmp_path):
    folder, count = tmp_path, 0
    for words, shown in sessions(top / "docs/getting-started.md"):
        if words[0] == "cd":
            folder = (folder / words[1]).resolve()
            continue
        output = installed.run(folder, *{"scons": ["SCons", "-Q"], "ambilink": ["ambilink"]}[words[0]], *words[1:])
        printed = {normal(line) for line in output.splitlines()}
        assert [line for line in shown if normal(line) not in printed] == [], output
        count += 1
        if words[:2] == ["ambilink", "new"] and "--list" not in words:
            assert (folder / words[2] / "README.md").is_file()
    assert count >= 6
