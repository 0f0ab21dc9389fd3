"""Every command of `ambilink` with every kind of wrong file: it ends by itself, with a message and a status that is
documented, without a traceback, and prints no control character."""

import argparse
import contextlib
import io
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest

from ambilink.cli import main, parser
from ambilink.cli.arguments import folder, input_file, output_file, output_folder, profile_name, template_name
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import allocate

SECONDS = 20  # for one command; each takes milliseconds
NAMED = "a\x1b[31mb\nc"  # what a terminal would obey
DEEP = 900


def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """In this process: a command costs milliseconds so. Status, output, errors."""

    def too_long(number, frame):
        raise TimeoutError(f"{words} does not end")

    out, error = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    status = 0
    old_stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            main(list(words))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        sys.stdin = old_stdin
    texts = []
    for stream in (out, error):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "surrogateescape"))
    return status, *texts


@pytest.fixture(scope="module")
def files(build, tmp_path_factory):
    """Of each kind one, in a folder of their own."""
    folder = tmp_path_factory.mktemp("wrong")
    library, image = (build / "lib/libsys.so").read_bytes(), (build / "boot.img").read_bytes()
    texts = {
        "empty": b"",
        "a text": b"\x1b]0;x\x07hello\n\0 " + NAMED.encode(),
        "half a library": library[: len(library) // 2],
        "an ELF header": library[:64],
        "an ELF header, then noise": library[:64] + bytes(range(256)) * 20,
        "half an image": image[: len(image) // 2],
        "noise": bytes(range(256)) * 20,
        "many brackets of TOML": b"a = " + b"[" * DEEP + b"]" * DEEP + b"\n",
        "many tables of TOML": b"".join(b"[" + b".".join([b"a"] * depth) + b"]\n" for depth in (DEEP,)),
        "many brackets of JSON": b"[" * 100_000,
        "another JSON": b'{"format": 2, "verdict": "pass"}',
        "TOML with controls": b'[image]\n"\\u001b[31mx\\nb" = 1\n',
        "no UTF-8": b"[image]\nkernel = '\xff'\n",
    }
    found = {name: str(folder / name.replace(" ", "-")) for name in texts}
    for name, data in texts.items():
        Path(found[name]).write_bytes(data)
    for name in ("missing", "a FIFO", "a link to itself", "a link to nothing", "huge", "a socket", "unreadable"):
        found[name] = str(folder / name.replace(" ", "-"))
    os.mkfifo(found["a FIFO"])
    os.symlink(found["a link to itself"], found["a link to itself"])
    os.symlink("nowhere/x", found["a link to nothing"])
    with open(found["huge"], "wb") as stream:
        stream.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(folder):
        server.bind("a-socket")
    Path(found["unreadable"]).write_bytes(b"x")
    os.chmod(found["unreadable"], 0)
    found["a name that a terminal would obey"] = str(folder / NAMED)
    Path(folder / NAMED).write_bytes(b"x")
    found["a name that is no UTF-8"] = os.fsdecode(os.fsencode(folder) + b"/\xff")
    Path(found["a name that is no UTF-8"]).write_bytes(b"x")
    found["key"] = str(folder / "key.pem")
    run("image", "key", found["key"], "--public", str(folder / "public.pem"))
    return {**found, "a folder": str(folder), "/dev/zero": "/dev/zero", "/dev/null": "/dev/null"}


IN = "@"  # the wrong file
BOOTING = ("--expect", "--manifest", "--before", "--profile", "--root")
READING = (
    ["boot", IN],
    *([each, "TEXT", option, IN] for each in ("boot", "verify") for option in BOOTING),
    ["boot", "TEXT", "--input", IN],
    ["boot", "IMAGE", "--diff", IN],
    ["verify", IN],
    ["report", IN, "--html", "OUT"],
    ["symbolize", IN],
    ["symbolize", "TEXT", "--symbols", IN],
    ["symbolize", "TEXT", "--image", IN],
    ["profile", IN],
    ["profile", "TEXT", "--root", IN],
    ["image", "pack", IN, "--root", "BUILD", "--output", "OUT"],
    ["image", "pack", "MANIFEST", "--root", IN, "--output", "OUT"],
    ["image", "pack", "MANIFEST", "--root", "BUILD", "--output", "OUT", "--profile", IN],
    ["image", "ls", IN],
    ["image", "extract", IN, "--output", "OUT"],
    ["image", "extract", "IMAGE", IN, "--output", "OUT"],
    ["image", "verify", IN],
    ["image", "verify", "IMAGE", "--key", IN],
    ["image", "sign", IN, "--key", "KEY", "--output", "OUT"],
    ["image", "sign", "IMAGE", "--key", IN, "--output", "OUT"],
    ["link", IN],
    ["link", "LIBRARY", "--core", IN],
    ["abi", "show", IN],
    ["abi", "diff", IN, "LIBRARY"],
    ["abi", "diff", "LIBRARY", IN],
    ["abi", "stub", IN, "--output", "OUT"],
    ["abi", "stub", "LIBRARY", "--output", "OUT", "--machine", IN],
    ["contract", IN],
    ["contract", "LIBRARY", "--against", IN],
    ["licences", IN],
    ["licences", "TEXT", "--root", IN],
    ["why", IN],
    ["graph", "--build", IN],
    ["new", "OUT", "--name", IN],
    ["new", "OUT", "--template", IN],
    ["completion", IN],
    [IN],
)
# What may go well with one of these.
GOOD = {
    "symbolize": {"empty", "noise", "a folder", "a name that a terminal would obey", "a name that is no UTF-8", "huge"},
}


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_wrong_files(words, files, build, top, tmp_path):
    places = {
        "IMAGE": build / "boot.img",
        "BUILD": build,
        "LIBRARY": build / "lib/libsys.so",
        "MANIFEST": top / "boot/system/boot.toml",
        "TEXT": files["a text"],
        "OUT": tmp_path / "out",
        "KEY": files["key"],
    }
    for kind, path in files.items():
        if kind == "key":
            continue
        if kind == "huge" and words[0] == "symbolize":
            continue  # a log may have any size
        if kind == "a folder" and "--root" in words:
            continue
        status, out, error = run(*(path if word == IN else str(places.get(word, word)) for word in words))
        what = f"{' '.join(words)} with {kind}: status {status}\n{out[-500:]}\n{error[-500:]}"
        assert status in (0, 1, 2, 77, 99), what
        assert status == 0 or error.strip() or out.strip(), f"says nothing: {what}"
        assert "Traceback" not in out + error, what
        assert not any(character in out + error for character in "\x1b\x07\0\x9b"), f"a control character: {what}"
        assert status or not tmp_path.joinpath("out").is_file() or words[0] in ("abi", "image", "report"), what
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        tmp_path.joinpath("out").unlink(missing_ok=True) if tmp_path.joinpath("out").is_file() else None


IN_MANIFEST = {  # keys of a program of Linux that lead to files
    "program": "program = {wrong}\n",
    "sysroot": "program = {program}\nsysroot = {wrong}\n",
    "brings": 'program = {program}\nsysroot = "/"\nbrings = [{name}]\n',
}


@pytest.mark.parametrize("key", IN_MANIFEST)
def test_wrong_files_that_a_manifest_leads_to(key, files, build, tmp_path):
    for kind, path in files.items():
        if kind == "a name that is no UTF-8":
            continue  # no TOML file can have it
        given = {"wrong": path, "name": path.lstrip("/"), "program": str(build / "services/loader")}
        settings = IN_MANIFEST[key].format_map({name: json.dumps(text) for name, text in given.items()})
        text = f'[[service]]\nname = "x"\nrole = "program"\ncalls = "linux"\n{settings}'
        manifest, out = tmp_path / "boot.toml", tmp_path / "out"
        manifest.write_text(text)
        status, printed, error = run("image", "pack", str(manifest), "--root", str(build), "--output", str(out))
        what = f"{key} with {kind}: status {status}\n{error[-500:]}"
        assert status in (0, 1) and bool(status) == bool(error), what
        assert status == 0 or manifest.name in error or ascii(path)[1:-1] in error or files["huge"] in error, what
        assert "Traceback" not in error and not any(character in printed + error for character in "\x1b\x07\0"), what
        assert out.is_file() == (status == 0), what
        out.unlink(missing_ok=True)


@pytest.mark.parametrize("name", [b"x\x1b[31m", b"\xff", b"a" * 96], ids=["control", "no UTF-8", "long"])
def test_wrong_names_in_a_folder_that_a_program_brings(name, build, tmp_path):
    folder = tmp_path / "root/etc"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"x")
    program = json.dumps(str(build / "services/loader"))
    text = f'name = "x"\nrole = "program"\ncalls = "linux"\nprogram = {program}\nsysroot = "root"\nbrings = ["etc"]\n'
    (tmp_path / "boot.toml").write_text(f"[[service]]\n{text}")
    words = ("image", "pack", str(tmp_path / "boot.toml"), "--root", str(build), "--output", str(tmp_path / "out"))
    status, _, error = run(*words)
    assert status == 1 and "boot.toml:7: service x.brings: " in error and error.isascii() and "\x1b" not in error
    assert not (tmp_path / "out").exists()


RECORDS = ("--log", "--record", "--html", "--junit", "--trace")
WRITING = (
    ["image", "pack", "MANIFEST", "--root", "BUILD", "--output", IN],
    ["abi", "stub", "LIBRARY", "--output", IN],
    *(
        ["image", "pack", "MANIFEST", "--root", "BUILD", "--output", "OUT", option, IN]
        for option in ("--iso", "--tree")
    ),
    ["image", "sign", "IMAGE", "--key", "KEY", "--output", IN],
    ["image", "key", IN, "--public", "OUT"],
    ["image", "key", "OUT", "--public", IN],
    *([each, "TEXT", option, IN] for each in ("boot", "verify") for option in RECORDS),
    ["boot", "IMAGE", "--calls", "syscalls", "--calls-of", "names", "--calls-to", IN],
    ["boot", "TEXT", "--gdb", "0", "--gdb-script", IN],
    ["graph", "--output", IN],
    ["report", "RECORD", "--html", IN],
    ["report", "RECORD", "--junit", IN],
    ["report", "RECORD", "--trace", IN],
    ["image", "extract", "IMAGE", "etc/motd", "--output", IN],
    ["new", IN],
)


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
@pytest.mark.parametrize(
    "kind", ["a folder", "/dev/full", "no folder", "a link to itself", "a file in a file", "a NUL", ""]
)
def test_outputs_that_cannot_be_written(words, kind, files, build, top, tmp_path):
    """And what lies there stays."""
    if kind == "a folder" and (words[0] == "new" or words[1] == "extract" or "--tree" in words):
        pytest.skip("a folder is right here")
    record = next(build.glob("boot*.json"), None)
    if record is None and "RECORD" in words:
        pytest.skip("no boot of this build was recorded yet: ./scons boot")
    paths = {"no folder": "no/such/x", "a file in a file": files["empty"] + "/x", "a NUL": "a\0b", "": ""}
    path = files.get(kind) or paths.get(kind, kind)
    if kind == "a folder":
        path = str(tmp_path)
    places = {
        "IMAGE": build / "boot.img",
        "BUILD": build,
        "LIBRARY": build / "lib/libsys.so",
        "MANIFEST": top / "boot/system/boot.toml",
        "RECORD": record,
        "TEXT": files["a text"],
        "KEY": files["key"],
        "OUT": tmp_path / "out",
    }
    status, out, error = run(*(path if word == IN else str(places.get(word, word)) for word in words))
    what = f"{' '.join(words)} with {kind}: status {status}\n{out[-500:]}\n{error[-500:]}"
    assert status in (1, 2, 77) and error.strip() and "Traceback" not in error, what
    assert not any(character in out + error for character in "\x1b\x07\0"), what
    assert list(tmp_path.iterdir()) == [], what


def commands(parser, path=()):
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield path, parser
    for action in below:
        for name, each in action.choices.items():
            yield from commands(each, (*path, name))


def test_every_argument_that_names_a_file_is_tried():
    tried = set()
    for words in (*READING, *WRITING):
        path = tuple(words[: 2 if words[0] in ("image", "abi") else 1])
        before = words[words.index(IN) - 1]
        tried.add((path, before if before.startswith("--") else "a file"))
    kinds = (input_file, output_file, folder, output_folder, profile_name, template_name)
    for path, each in commands(parser()):
        for action in each._actions:
            if action.type in kinds:
                assert (path, (*action.option_strings, "a file")[0]) in tried, (path, action.dest)


NUMBERS = ("-1", "1e3", "nan", "", " 1", "0x1", "٣", "9" * 5000, "1\x1b[2J")
OPTIONS = {  # what each takes of these, and what it does not besides
    "--memory": ((), ("0", "1048577", "100000000")),
    "--timeout": (("1e3", " 1", "٣"), ("0", "-0.0", "1e9", "inf")),
    "--seed": ((), ("18446744073709551616",)),
    "--top": ((), ("0", "1048577")),
    "--gdb": ((), ("65536",)),
    "--elf-flags": (("0x1",), ("4294967296",)),
    "--version": ((), ()),
    "--least-version": ((), ()),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_numbers_that_make_no_sense(option, build):
    good, more = OPTIONS[option]
    words = {
        "--top": ["profile", str(build / "boot.img")],
        "--version": ["image", "sign", str(build / "boot.img"), "--key", str(build / "boot.img")],
        "--least-version": ["image", "verify", str(build / "boot.img"), "--key", str(build / "boot.img")],
        "--elf-flags": ["abi", "stub", str(build / "lib/libsys.so"), "--output", "/no/such/x"],
    }.get(option, ["boot", str(build / "boot.img"), "--root", "/no/such"])
    for number in {*NUMBERS, *more} - {*good}:
        status, out, error = run(*words, f"{option}={number}")
        assert status == 2 and "Traceback" not in error and "\x1b" not in out + error, (number, status, error)
        assert option in error or "is not" in error or "is no" in error, (number, error)


def test_more_memory_than_there_is(build):
    with pytest.raises(AmbilinkError, match=r"--memory: this computer has no 1,099,511,627,776 MiB for the machine"):
        allocate(1 << 60)
