"""Sources of third-party libraries: from an archive to both forms of a library, without a network; what is refused."""

import hashlib
import io
import tarfile
import zipfile

import pytest

HEADER = "int pack(int);\n"
GOOD = {"pack-1.0/src/pack.c": '#include "pack.h"\nint pack(int x) { return x + VALUE; }\n', "pack-1.0/README": "x"}
GOOD |= {"pack-1.0/src/include/pack.h": HEADER + "#define VALUE 1\n"}


def tar(members: dict[str, str], links: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return stream.getvalue()


def zipped(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


@pytest.fixture
def offer(tree, build_cache):
    """Declare a library of an archive that lies in the folder of archives; returns the text for `archive`."""
    tree.more = f"AMBILINK_CACHE={str(build_cache)!r}"  # the compiler's run-time is made elsewhere
    tree.variables = {
        "AMBILINK_SOURCES": str(tree.folder / "archives"),
        "XDG_CACHE_HOME": str(tree.folder / "cache"),
    }

    def declare(archive: bytes, sha256: str = "", files: str = '["pack.c"]', folder: str = '"src"') -> None:
        (tree.folder / "archives").mkdir(exist_ok=True)
        (tree.folder / "archives/any.name").write_bytes(archive)
        sha256 = sha256 or hashlib.sha256(archive).hexdigest()
        tree.write("main.c", "#include <pack.h>\nvoid _start(void) { for (;;) pack(VALUE); }\n")
        tree.sconstruct(
            f'source = env.RegistrySource("pack", "pack", "1.0", "{sha256}", {files}, folder={folder})\n'
            'env.DualLibrary("pack", source.files, includes=[source.folder.Dir("include")])\n'
            'env.Service("user", ["main.c"], LIBS=["pack"])\n'
            'env.Service("alone", ["main.c"], LIBS=["pack"], linkage="static")\n'
        )

    return declare


def test_both_forms_are_built_and_kept(tree, offer):
    offer(tar(GOOD))
    made = tree.good("-j4", "build").splitlines()
    assert sum(line.startswith("  FETCH") for line in made) == 1
    assert (tree.out / "services/user").is_file() and (tree.out / "services/alone").is_file()
    unpacked = tree.out / "sources/pack"
    assert {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()} == {
        ".unpacked",
        "pack.c",
        "include/pack.h",
    }
    assert tree.built(tree.good("build")) == []

    # The archive is kept: neither the folder of archives nor a registry is asked again.
    (tree.folder / "archives/any.name").unlink()
    tree.good("-c", "build")
    assert not unpacked.exists()
    tree.good("build")

    # Another version: what depends on its header is compiled again.
    other = {name: text.replace("VALUE 1", "VALUE 2") for name, text in GOOD.items()}
    offer(zipped(other))
    made = tree.built(tree.good("build"))
    assert any(name.endswith("main.c.o") for name in made) and any(name.endswith("pack.c.o") for name in made)
    assert "VALUE 2" in (unpacked / "include/pack.h").read_text()

    # What was altered is unpacked again.
    (unpacked / "pack.c").write_text("int pack(int x) { return 0; }\n")
    tree.good("build")
    assert (unpacked / "pack.c").read_text() == GOOD["pack-1.0/src/pack.c"]

    # Nothing is taken away where the next one cannot be had.
    offer(tar(GOOD), sha256="a" * 64)
    said = tree.bad("build")
    assert "none of its 1 files has the SHA-256 of pack 1.0 (pypi)" in said and "[SConstruct:" in said
    assert "VALUE 2" in (unpacked / "include/pack.h").read_text()


def test_headers_alone(tree, offer):
    """A source that searches the folder waits for it, though no file of it is named."""
    offer(tar({"pack-1.0/pack.h": "static inline int pack(int x) { return x; }\n#define VALUE 3\n"}))
    text = (tree.folder / "SConstruct").read_text()
    text = text.replace('["pack.c"], folder="src"', "[]").replace("source.files, ", "")
    (tree.folder / "SConstruct").write_text(text.replace('source.folder.Dir("include")', "source.folder"))
    tree.good("-j4", "build")


OUTSIDE = "../outside.c"
REFUSED = {
    "above": (tar({**GOOD, f"pack-1.0/src/../../{OUTSIDE}": "x"}), "which is no path inside it"),
    "absolute": (tar({**GOOD, "/tmp/outside.c": "x"}), "which is no path inside it"),
    "backslashes": (zipped({**GOOD, "pack-1.0\\..\\..\\outside.c": "x", "pack-1.0/src/C:/x": ""}), "no path inside it"),
    "above, in a zip": (zipped({**GOOD, f"pack-1.0/src/{OUTSIDE}": "x"}), "which is no path inside it"),
    "a link out, written through": (
        tar({"pack-1.0/src/pack.c": "", "pack-1.0/src/way/x.c": "x"}, {"pack-1.0/src/way": "/tmp"}),
        "",  # links are left out, so that it is a folder
    ),
    "a link in place of a file": (
        tar({"pack-1.0/src/x.h": ""}, {"pack-1.0/src/pack.c": "/etc/passwd"}),
        "no file src/pack.c",
    ),
    "a misspelt file": (tar({"pack-1.0/src/pakc.c": ""}), "no file src/pack.c; did you mean 'pakc.c'?"),
    "no such folder": (tar({"pack-1.0/source/pack.c": ""}), "has no files in src"),
    "a file that is a folder": (tar({"pack-1.0/src/pack.c": "", "pack-1.0/src/pack.c/x": ""}), "cannot be written"),
    "twice": (tar({"pack-1.0/src/pack.c": "", "./pack-1.0/src/pack.c": "x"}), "twice"),
    "no archive": (b"no archive at all", "cannot be read"),
    "cut": (tar(GOOD)[:100], "cannot be read"),
    "empty": (b"", "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, name):
    from ambilink.errors import AmbilinkError
    from ambilink.registry.unpack import unpack

    archive, rule = REFUSED[name]
    folder = tmp_path / "inside/sources/pack"
    folder.mkdir(parents=True)
    (folder / "before.c").write_text("before")
    if not rule:
        assert unpack("pack", archive, "src", ["pack.c"], folder) == ["pack.c", "way/x.c"]
        return
    with pytest.raises(AmbilinkError) as error:
        unpack("pack", archive, "src", ["pack.c"], folder)
    assert rule in str(error.value)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        "inside/sources/pack/before.c"
    ]


def test_more_than_a_build_can_hold(tmp_path, monkeypatch):
    from ambilink.errors import AmbilinkError
    from ambilink.registry import unpack

    monkeypatch.setattr(unpack, "MOST", 1 << 20)
    for archive in (tar({"pack/x.c": "x" * (2 << 20)}), zipped({"pack/x.c": "x" * (2 << 20)})):
        with pytest.raises(AmbilinkError, match="unpacks to more than 1 MiB"):
            unpack.unpack("pack", archive, "", [], tmp_path / "pack")


WRONG = {
    'package="-x"': "package= is '-x', which is no package",
    'version="1.0 || 2"': "version= is '1.0 || 2', which is no version",
    'sha256="12"': "sha256= is '12', which is no sha256",
    'files=["../x.c"]': "files= has '../x.c', which is no path inside the archive",
    'files=["/x.c"]': "files= has '/x.c', which is no path inside the archive",
    'folder="a/../.."': "folder= has 'a/../..', which is no path inside the archive",
    'registry="cargo"': "registry= is 'cargo'; give 'pypi' or 'npm'",
}


def test_wrong_words_are_refused_before_anything_is_fetched(tree):
    usual = {"package": '"pack"', "version": '"1"', "sha256": '"a" * 64'}
    for words, rule in WRONG.items():
        key = words.partition("=")[0]
        given = ", ".join([*(f"{name}={value}" for name, value in usual.items() if name != key), words])
        tree.sconstruct(f'env.RegistrySource("pack", {given})\n')
        assert rule in tree.bad(), words
    tree.sconstruct("".join(f'env.RegistrySource("pack", "pack", "{version}", "a" * 64)\n' for version in "12"))
    assert "made by the declaration at" in tree.bad()


def test_the_libraries_that_come_with_the_system(tree):
    """They are declared by their folder's name alone, also after the whole; nothing is fetched for that."""
    tree.sconstruct(
        'whole = env.AmbilinkSystem(["libs"])\n'
        'ports = env.AmbilinkSystem(["libs", "libs/ports"])\n'
        'print("ports:", *sorted(ports.libraries), set(ports.libraries) & set(whole.libraries))\n'
    )
    if tree.compiler == "hermetic":
        assert "ports: clipper freetype lua png sqlite3 z zstd set()" in tree.good("-n", "build")
