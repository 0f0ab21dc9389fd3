"""Each code block of the documents is tried, or says why it is not."""

import ast
import re
import tomllib

import pytest

from ambilink.bootimage import manifest, multiboot_manifest
from ambilink.compile.profile import load_profile
from ambilink.compile.toolset import load_toolset
from ambilink.errors import AmbilinkError
from ambilink.toml_file import Table
from ambilink.verdict import read_verdict
from tests.conftest import TOP
from tests.docs.blocks import PLAIN, WITH_ARGUMENT, Block, blocks_of, documents

BLOCKS = [block for document in documents(TOP) for block in blocks_of(document)]
READ = ("manifest", "profile", "verdict", "compiler", "call")


def test_there_are_blocks():
    assert len(BLOCKS) > 50


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_each_block_has_a_mark(block):
    assert block.action in (*PLAIN, *WITH_ARGUMENT), f"{block.document}:{block.line}: mark it: tests/docs/blocks.py"
    if block.action == "not":
        assert len(block.argument.split()) >= 4, "a reason is a sentence"
    if block.action == "held by":
        assert (TOP / block.argument).is_file()


def read_manifest(block: Block, path):
    path.write_text(block.text)
    reader = manifest if multiboot_manifest.format_of(path) == multiboot_manifest.AMBILINK else multiboot_manifest
    reader.read(path)


def read_profile(block: Block, path):
    path.write_text(block.text)
    load_profile(str(path))


def verdict(block: Block, path):
    read_verdict(Table(path, "verdict", tomllib.loads(block.text)["verdict"]))


def compiler(block: Block, path):
    """Everything is right but that the program is not here."""
    path.write_text(block.text)
    with pytest.raises(AmbilinkError, match=r"my-clang"):
        load_toolset(str(path), "x86_64")


def call(block: Block, path):
    """Builders are called with arguments that they have."""
    from ambilink.scons.builder import BUILDERS

    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BUILDERS:
            accepted = {each.name for each in BUILDERS[node.func.attr].parameters}
            for keyword in node.keywords:
                assert keyword.arg in accepted or keyword.arg.isupper(), f"{block.place}: {keyword.arg}"


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.action in READ], ids=lambda block: block.place)
def test_a_text_is_read_without_a_mistake(block, tmp_path):
    readers = {
        "manifest": read_manifest,
        "profile": read_profile,
        "verdict": verdict,
        "compiler": compiler,
        "call": call,
    }
    readers[block.action](block, tmp_path / "text.toml")


def test_readmes_example_has_no_name_of_a_template():
    """Projects use the checkout's parts where it is installed in place: a name declared in both is refused."""
    ours = {block.argument.split("/")[1] for block in blocks_of(TOP / "README.md") if block.action == "file"}
    templates = [path.read_text() for path in (TOP / "toolchain/ambilink/new/templates").rglob("SCons*")]
    theirs = {name for text in templates for name in re.findall(r'env\.(?:DualLibrary|Service)\("([^"]+)"', text)}
    assert ours and theirs and not ours & theirs
