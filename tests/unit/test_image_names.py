"""Names of files in an image: refused when it is packed, and before anything is written when it is extracted."""

import os

import pytest

from ambilink.bootimage import layout
from ambilink.bootimage.container import build as build_image
from ambilink.bootimage.layout import ArchiveService, FileKind
from ambilink.bootimage.names import check_names
from ambilink.errors import AmbilinkError
from tests.unit.test_wrong_files import run

GOOD = ["a", "a.b", "etc/motd", "etc/x/y", "...", "..a", "ä", "-x", "a b", "a" * 255]
WRONG = {
    "a folder above": (["../x"], "leads out of the folder"),
    "a folder above, within": (["etc/../../x"], "leads out of the folder"),
    "this folder": (["./x"], "names nothing"),
    "an empty part": (["a//x"], "names nothing"),
    "a folder": (["a/"], "names nothing"),
    "nothing": ([""], "names nothing"),
    "absolute": (["/etc/x"], "is absolute"),
    "a NUL": (["a\0b"], "control character"),
    "a newline": (["a\nb"], "control character"),
    "an escape": (["a\x1b[2Jb"], "control character"),
    "C1": (["a\x9bb"], "control character"),
    "a file and its folder": (["a/b", "a"], "'a/b' cannot be there beside the file 'a'"),
    "a folder and its file": (["a", "a/b/c"], "'a/b/c' cannot be there beside the file 'a'"),
    "twice": (["a", "a"], "is there twice"),
    "a long part": (["a" * 256], "too long"),
    "a long path": (["/".join(["a" * 200] * 20)], "too long"),
}


def test_names_that_are_good():
    check_names(GOOD, "x", "")


@pytest.mark.parametrize(("names", "rule"), WRONG.values(), ids=WRONG)
def test_names_that_are_refused(names, rule):
    with pytest.raises(AmbilinkError, match=rule) as caught:
        check_names(["first", *names], "the image", "rename it")
    assert str(caught.value).isprintable()


@pytest.fixture
def image_with(build, tmp_path, monkeypatch):
    """An image by a packer that does not check names."""

    def make(*names):
        monkeypatch.setattr(layout, "check_names", lambda *arguments: None)
        loader = (build / "services/loader").read_bytes()
        contents = {"services/loader": (FileKind.PROGRAM, loader)}
        contents |= {name: (FileKind.DATA, f"data of {number}".encode()) for number, name in enumerate(names)}
        archive = layout.build(contents, [ArchiveService("loader", "services/loader")], "services/loader")
        path = tmp_path / "crafted.img"
        path.write_bytes(build_image(build / "kernel", archive, layout.parse(archive, path)))
        return path

    return make


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("good", "../escaped"), "leads out of the folder"),
        (("good", "/tmp/escaped-by-ambilink"), "is absolute"),
        (("good", "a", "a/b"), "cannot be there beside"),
        (("good", "a\x1b[2Jb"), "control character"),
        (("good", "a\nb"), "control character"),
        (("good", "link/x"), "is a symlink, and link/x is to be written below it"),
        (("good", "file/x"), "is a file, and file/x is to be written below it"),
        (("good", "folder"), "is a folder, and a file of that name is to be written"),
        (("good", "x" * 256), "too long"),
    ],
)
def test_nothing_is_written_where_one_name_is_wrong(image_with, tmp_path, names, said):
    image, folder = image_with(*names), tmp_path / "out"
    (folder / "folder").mkdir(parents=True)
    (folder / "file").write_text("")
    (folder / "link").symlink_to(tmp_path)
    before = sorted(os.listdir(folder))
    status, out, error = run("image", "extract", str(image), "--output", str(folder))
    assert status == 1 and said in error and out == ""
    assert sorted(os.listdir(folder)) == before and not (tmp_path / "escaped").exists()
    assert not os.path.exists("/tmp/escaped-by-ambilink")
    status, out, error = run("image", "ls", str(image))  # it may be looked at
    assert status == 0 and "\x1b" not in out and sum("  data  " in line for line in out.splitlines()) == len(names)


def test_good_names_are_extracted(image_with, tmp_path):
    status, _, error = run("image", "extract", str(image_with(*GOOD)), "--output", str(tmp_path / "out"))
    assert status == 0, error
    assert (tmp_path / "out/etc/x/y").read_text() == f"data of {GOOD.index('etc/x/y')}"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"a": 1, "a/b": 1}, "cannot both be there"),
        ({"../x": 1}, "'../x'"),
        ({"/x": 1}, "'/x'"),
        ({"lib": 1}, "cannot be there beside"),
        ({"a\0b": 1}, "a\\\\x00b"),
    ],
)
def test_packing_refuses_them(build, tmp_path, top, names, said):
    text = "".join(f'{ascii(name).replace(chr(39), chr(34))} = "data"\n' for name in names).replace("\\x", "\\u00")
    (tmp_path / "data").write_text("x")
    start = '[image]\n[[service]]\nname = "names"\ngrants = ["log"]\n[[service]]\nname = "audit"\nrole = "program"\n'
    (tmp_path / "boot.toml").write_text(f"{start}[files]\n{text}")
    status, _, error = run(
        "image", "pack", str(tmp_path / "boot.toml"), "--root", str(build), "--output", str(tmp_path / "x.img")
    )
    assert status == 1 and said.replace("\\\\", "\\") in error and not (tmp_path / "x.img").exists(), error
