"""`ambilink new` makes a whole project or nothing, and touches nothing that is there."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from ambilink import cli
from ambilink.new import project, template


def new(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["new", *map(str, words)])
    return ended.value.code


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("chosen", template.TEMPLATES)
def test_every_placeholder_is_replaced(chosen, tmp_path):
    assert new(tmp_path / "my-os2", "--template", chosen) == 0
    made = [path for path in (tmp_path / "my-os2").rglob("*") if path.is_file()]
    assert {"SConstruct", "README.md", ".gitignore", ".clangd", "settings.json", "build.yml"} <= {p.name for p in made}
    for path in made:
        assert not template.PLACEHOLDER.search(str(path) + path.read_text()), path
        assert "dot-" not in str(path.relative_to(tmp_path))
    assert "my-os2" in (tmp_path / "my-os2/README.md").read_text()
    assert names(tmp_path) == ["my-os2"]


def test_the_templates_are_those_of_the_list(capsys):
    assert new("--list") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    folders = [path.name for path in template.FOLDER.iterdir() if any(path.iterdir())]
    assert sorted(listed) == sorted(set(folders) - {template.COMMON})


def test_what_comes_next_is_printed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert new("a b", "--name", "myos", "--template", "kernel") == 0
    assert "cd 'a b'\n  scons " in capsys.readouterr().out


def test_the_folder_one_stands_in(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = os.stat(".").st_ino
    assert new(".", "--template", "kernel") == 0
    assert (folder / "SConstruct").is_file() and os.stat(folder).st_ino == before
    assert "cd " not in capsys.readouterr().out and project.INSIDE not in names(folder)


@pytest.mark.parametrize("name", ["9lives", "a b", "ä", "", "a/../é", "x" * 32, "a.b", "nul\0"])
def test_a_name_that_is_none(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert new("--name", name, "folder") == 1
    assert re.search(r"project's name.*; (choose|at most)", capsys.readouterr().err)
    assert names(tmp_path) == []


def test_an_unknown_template_lists_near_ones(tmp_path, capsys):
    assert new(tmp_path / "x", "--template", "kernal") == 2
    assert f"did you mean 'kernel'? choose one of: {', '.join(template.TEMPLATES)}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], [""]])
def test_a_missing_folder_is_a_wrong_call(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert new(*words, "--template", "kernel", "--name", "x") == 2 and names(tmp_path) == []
    assert "name the FOLDER" in capsys.readouterr().err


def refused(tmp_path, capsys, folder, *remedy: str) -> None:
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert new(folder, "--template", "kernel", "--name", "x") == 1
    error = capsys.readouterr().err
    assert all(word in error for word in remedy) and error.count("\n") == 1, error
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_is_there_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/.hidden").write_text("mine")
    refused(tmp_path, capsys, tmp_path / "file", "is no folder")
    refused(tmp_path, capsys, tmp_path / "dangling", "is no folder")
    refused(tmp_path, capsys, tmp_path / "full", "is not empty (it holds .hidden)")
    refused(tmp_path, capsys, tmp_path / "no/where", "make it first")
    refused(tmp_path, capsys, tmp_path / "file/below", "make it first")


def test_what_a_killed_one_left_is_named(tmp_path, capsys):
    (tmp_path / "here" / project.INSIDE).mkdir(parents=True)
    refused(tmp_path, capsys, tmp_path / "here", project.INSIDE, "remove")


@pytest.fixture(params=["new", "empty"])
def folder(request, tmp_path) -> Path:
    if request.param == "empty":
        (tmp_path / "here").mkdir()
    return tmp_path / "here"


def left(tmp_path: Path, folder: Path) -> list[str]:
    return [str(path) for path in tmp_path.rglob("*") if path != folder]


@pytest.mark.parametrize("call", [1, 4, 9])
def test_a_full_disk_leaves_nothing(folder, tmp_path, capsys, monkeypatch, call):
    was, open_, calls = folder.exists(), Path.open, []

    def failing(path, mode="r", **more):
        calls.append(path)
        if mode == "xb" and len(calls) == call:
            raise OSError(28, "No space left on device", str(path))
        return open_(path, mode, **more)

    files = template.project_files("kernel", "x")
    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(project.AmbilinkError, match="No space left on device"):
        project.make_project(folder, files)
    assert len(calls) == call and left(tmp_path, folder) == [] and folder.exists() == was


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["open", "rename"])
def test_an_interrupt_leaves_nothing(folder, tmp_path, monkeypatch, number, moment):
    """Ctrl-C while files are written; and if it comes too late for that, the project is whole."""
    was, function, sent = folder.exists(), getattr(Path, moment), []

    def interrupted(path, *words, **more):
        if not sent:
            sent.append(signal.pthread_kill(threading.main_thread().ident, number))  # pytest may have others
        return function(path, *words, **more)

    def raise_interrupt(*_):
        raise KeyboardInterrupt

    files = template.project_files("kernel", "x")
    before = signal.signal(number, raise_interrupt)
    monkeypatch.setattr(Path, moment, interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            project.make_project(folder, files)
    finally:
        signal.signal(number, before)
    monkeypatch.undo()
    if moment == "open":
        assert sent and left(tmp_path, folder) == [] and folder.exists() == was
    else:
        made = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert made == set(files) and names(tmp_path) == ["here"]


def test_a_file_of_another_process_that_comes_meanwhile_stays(folder, tmp_path, monkeypatch):
    write = project._write

    def slow(staged, files):
        write(staged, files)
        folder.mkdir(exist_ok=True)
        (folder / "SConstruct").write_text("mine")

    monkeypatch.setattr(project, "_write", slow)
    with pytest.raises(project.AmbilinkError):
        project.make_project(folder, template.project_files("kernel", "x"))
    assert names(tmp_path) == ["here"] and names(folder) == ["SConstruct"]
    assert (folder / "SConstruct").read_text() == "mine"
