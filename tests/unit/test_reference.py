"""The reference pages are what the code says of itself."""

import importlib.util
import tomllib

import pytest

from ambilink.bootimage import manifest, manifest_keys
from ambilink.errors import AmbilinkError


@pytest.fixture(scope="module")
def writer(top):
    spec = importlib.util.spec_from_file_location("write_reference", top / "toolchain/write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["builders.md", "manifest.md", "profile.md"])
def test_the_page_is_current(writer, top, name):
    written = (top / "docs/reference" / name).read_text()
    assert written == writer.PAGES[name](), "run `./scons docs`"


def test_each_builder_and_argument_is_described(writer, top):
    page = (top / "docs/reference/builders.md").read_text()
    for name, method in writer.environment.BUILDERS.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert all(f"\n| `{each.name}` | " in section for each in method.parameters), name


def test_an_argument_without_a_word_is_refused(writer):
    method = writer.environment.BUILDERS["Service"]

    def silent():
        """A program.

        name: its name.
        """

    with pytest.raises(ValueError, match="says nothing of sources, LIBS"):
        list(writer.builder_lines(writer.BuilderMethod("Service", silent, method.parameters)))


@pytest.mark.parametrize(
    "table, known", [("[image]", manifest_keys.IMAGE_KEYS), ("[[service]]", manifest_keys.SERVICE_KEYS)]
)
def test_the_declared_keys_are_those_that_are_read(tmp_path, table, known):
    """A key that is not declared is refused, and the message lists those that are."""
    path = tmp_path / "boot.toml"
    path.write_text(f'{table}\nnovelty = 1\nname = "x"\n' if table != "[image]" else f"{table}\nnovelty = 1\n")
    assert tomllib.loads(path.read_text())
    with pytest.raises(AmbilinkError, match=r"unknown key .*novelty") as error:
        manifest.read(path)
    assert error.value.remedy == f"known here: {', '.join(sorted(known))}"
