"""The documents' commands, one document after the other, in a checkout of its own; what they print is compared in kind:
a number stands for any number."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TOP, copy_sources
from tests.docs.blocks import Block, blocks_of, documents

ACTIONS = ("run", "output", "fails", "file", "append", "insert", "prose")
TRIED = [document for document in documents(TOP) if any(block.action in ACTIONS for block in blocks_of(document))]
NUMBERS = re.compile(r"0x[0-9a-f]+|\d[\d,.]*")


def kind(line: str) -> str:
    return " ".join(NUMBERS.sub("N", line).split())


@dataclass
class Checkout:
    folder: Path
    sources: Path  # as they were
    environment: dict[str, str]
    printed: str = ""

    def restore(self) -> None:
        """The sources, where the document before changed them."""
        for path in self.sources.rglob("*"):
            ours = self.folder / path.relative_to(self.sources)
            if path.is_file() and (not ours.is_file() or ours.read_bytes() != path.read_bytes()):
                shutil.copyfile(path, ours)

    def run(self, command: str, place: str, status: int | None = 0) -> None:
        """`status` None: it fails."""
        words = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        self.printed = done.stdout + done.stderr
        good = done.returncode != 0 if status is None else done.returncode == status
        assert good, f"{place}: {command}: exit status {done.returncode}\n{self.printed}"
        assert "Traceback" not in self.printed, f"{place}: {command}\n{self.printed}"

    def compare(self, block: Block, shown: list[str]) -> None:
        printed = {kind(line) for line in self.printed.splitlines()}
        lost = [line for line in shown if line.strip() and not block.leaves_out(line) and kind(line) not in printed]
        assert lost == [], f"{block.place}: not printed: {lost}\n{self.printed}"

    def write(self, block: Block) -> None:
        path = self.folder / block.argument
        if block.action == "append":
            path.write_text(path.read_text() + "\n" + block.text)
        elif block.action == "insert":
            table, _, rest = block.text.partition("\n")
            before, found, after = path.read_text().partition(f"{table}\n")
            assert found, f"{block.place}: {block.argument} has no {table}"
            path.write_text(before + found + rest + after)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, build_cache) -> Iterator[Checkout]:
    if os.environ.get("AMBILINK_COMPILER", "hermetic") != "hermetic":
        pytest.skip("the documents show what the bundled compiler makes")
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    sources = copy_sources(tmp_path_factory.mktemp("docs") / "sources")
    folder = sources.with_name("ambilink")
    shutil.copytree(sources, folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AMBILINK_", "PYTEST_"))}
    for name in ("AMBILINK_ENVIRONMENTS", "AMBILINK_WHEELS"):
        environment |= {name: os.environ[name]} if name in os.environ else {}
    environment.pop("PYTHONPATH", None)
    environment["PATH"] = f"{folder}/.venv/bin:{os.environ['PATH']}"
    environment["SCONSFLAGS"] = f"cache={build_cache} cache_mode=read"
    environment["PYTHON"] = sys.executable
    yield Checkout(folder, sources, environment)


@pytest.mark.parametrize("document", TRIED, ids=lambda path: path.name)
def test_a_document_does_what_it_says(checkout, document):
    if document.name != "README.md":
        checkout.restore()
        checkout.run("./scons", document.name)
    for block in blocks_of(document):
        if block.action == "run":
            for command, shown in block.sessions:
                checkout.run(command, block.place)
                checkout.compare(block, shown)
        elif block.action == "prose":
            checkout.run(block.argument, block.place)
        elif block.action == "fails":
            checkout.run(block.argument, block.place, None)
            checkout.compare(block, block.text.splitlines())
        elif block.action == "output":
            checkout.compare(block, block.text.splitlines())
        elif block.action in ACTIONS:
            checkout.write(block)
