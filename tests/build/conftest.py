"""Small trees that are built by SCons with the tool, as a user of it would."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..ready_scons import run_scons

SCONSTRUCT = """\
env = Environment(
    tools=["ambilink"],
    toolpath=[{toolpath!r}],
    AMBILINK_COMPILER={compiler!r},
    AMBILINK_VERBOSE={verbose!r},
    AMBILINK_FLAGS=["-O1"],
    {more}
)
"""


@dataclass
class Tree:
    folder: Path
    toolpath: Path
    compiler: str
    verbose: bool = False
    more: str = ""  # arguments of Environment()
    variables: dict[str, str] = field(default_factory=dict)
    _text: str = ""

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def sconstruct(self, text: str) -> None:
        self._text = text
        head = SCONSTRUCT.format(
            toolpath=str(self.toolpath), compiler=self.compiler, verbose=self.verbose, more=self.more
        )
        self.write("SConstruct", head + text + '\nenv["AMBILINK"].check()\n')

    def resettle(self) -> None:
        """The same SConstruct, with other settings."""
        self.sconstruct(self._text)

    def scons(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run_scons(words, self.folder, {**os.environ, **self.variables}, timeout=300)

    def good(self, *words: str) -> str:
        done = self.scons(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bad(self, *words: str) -> str:
        done = self.scons(*words)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    @property
    def out(self) -> Path:
        return self.folder / ("build/x86_64" if self.compiler == "hermetic" else f"build/x86_64-{self.compiler}")

    def built(self, output: str) -> list[str]:
        """What the short messages say was made."""
        return [line.split()[1] for line in output.splitlines() if line.startswith("  ") and len(line.split()) == 2]


@pytest.fixture
def tree(top, tmp_path) -> Tree:
    return Tree(tmp_path, top / "site_scons/site_tools", os.environ.get("AMBILINK_COMPILER", "hermetic"))


@pytest.fixture
def pair(tree) -> Tree:
    """Two libraries, one needing the other, and a service in each linkage."""
    tree.write("low/include/low.h", "int low(int);\nextern int low_data;\n")
    tree.write("low/low.c", "#include <low.h>\nint low_data = 3;\nint low(int x) { return x + low_data; }\n")
    tree.write("high/include/high.h", "int high(int);\n")
    tree.write("high/high.c", "#include <high.h>\n#include <low.h>\nint high(int x) { return low(x) * 2; }\n")
    tree.write("main.c", "#include <high.h>\nvoid _start(void) { for (;;) high(1); }\n")
    tree.sconstruct(
        'env.DualLibrary("high", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'env.Service("user", ["main.c"], LIBS=["high"])\n'
        'env.Service("alone", ["main.c"], LIBS=["high"], linkage="static")\n'
    )
    return tree
