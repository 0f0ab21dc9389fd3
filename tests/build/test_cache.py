"""The shared cache and compiler launchers: work that others did is not done again, and damage is not believed."""

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest


@pytest.fixture
def cached(pair, tmp_path_factory):
    pair.more = f"AMBILINK_CACHE={str(tmp_path_factory.mktemp('cache') / 'shared')!r}, "
    pair.resettle()
    return pair


def cache_folder(tree) -> Path:
    return Path(tree.more.split("'")[1])


def clean(tree) -> None:
    shutil.rmtree(tree.folder / "build")
    (tree.folder / ".sconsign.dblite").unlink()


def outputs(tree) -> dict[str, bytes]:
    return {str(path.relative_to(tree.out)): path.read_bytes() for path in tree.out.rglob("*") if path.is_file()}


def entries(tree) -> list[Path]:
    return [path for path in cache_folder(tree).glob("??/*") if path.suffix != ".sum"]


def test_a_second_build_takes_everything_from_the_cache(cached):
    cached.good()
    first = outputs(cached)
    clean(cached)
    output = cached.good()
    assert outputs(cached) == first
    assert {line.split()[0] for line in output.splitlines() if re.match("  [A-Z]", line)} == {"CACHE"}


def test_another_folder_shares_the_cache(cached, tmp_path_factory):
    cached.good()
    other = replace(cached, folder=tmp_path_factory.mktemp("elsewhere") / "tree")
    shutil.copytree(cached.folder, other.folder, ignore=shutil.ignore_patterns("build", ".sconsign*"))
    output = other.good()
    assert outputs(other) == outputs(cached)
    assert "  CC " not in output and "  LD " not in output


def test_a_changed_header_is_no_hit_and_the_old_one_is_again(cached):
    cached.good()
    header = cached.folder / "low/include/low.h"
    old = header.read_text()
    header.write_text(old + "#define CHANGED 1\n")
    output = cached.good()
    assert output.count("  CC ") == 2 and "CACHE" not in output
    header.write_text(old)
    output = cached.good()
    assert output.count("  CACHE ") == 2 and "  CC " not in output


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:100] + b"x" + data[101:]]
)
def test_a_damaged_entry_is_set_aside_and_built_again(cached, damage):
    cached.good()
    first = outputs(cached)
    for path in entries(cached):
        path.write_bytes(damage(path.read_bytes()))
    count = len(entries(cached))
    clean(cached)
    output = cached.good()
    assert outputs(cached) == first
    assert "CACHE" not in output and "Retrieved" not in output
    assert "does not match its checksum; moved to" in output
    # Entries that only list headers are written anew where they were.
    assert 0 < len(list((cache_folder(cached) / "damaged").iterdir())) <= count
    clean(cached)
    assert "  CC " not in cached.good()


def test_whatever_else_lies_in_the_folder_is_left_alone(cached):
    """Settings of SCons' own caches, entries of older versions."""
    folder = cache_folder(cached)
    (folder / "config").mkdir(parents=True)
    cached.good()
    first = outputs(cached)
    for path in entries(cached):
        (folder / "AB").mkdir(exist_ok=True)
        shutil.copy(path, folder / "AB" / ("ab" * 16))
        path.with_name(path.name + ".sum").write_text("0" * 32)
    (folder / "config").rmdir()
    (folder / "config").write_text("{no settings")
    clean(cached)
    output = cached.good()
    assert outputs(cached) == first
    assert "  CC " not in output and "damaged" not in output


# Rights, and who is believed.


def with_rights(tree, mode: str, key: Path | None = None):
    """The same tree, for those who have these rights."""
    more = f"AMBILINK_CACHE={str(cache_folder(tree))!r}, AMBILINK_CACHE_MODE={mode!r}, "
    other = replace(tree, more=more + (f"AMBILINK_CACHE_KEY={str(key)!r}, " if key else ""))
    other.resettle()
    return other


def secret(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text(f"{name:*<40}\n")
    path.chmod(0o600)
    return path


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_ci_writes_and_people_read(cached):
    ci = with_rights(cached, "write")
    ci.good()
    first = outputs(ci)
    clean(ci)
    assert "CACHE" not in ci.good(), "who may only write takes nothing"
    before = state(cache_folder(ci))
    clean(ci)
    person = with_rights(ci, "read")
    output = person.good()
    assert "  CC " not in output and "  LD " not in output and outputs(person) == first
    person.write("low/low.c", "#include <low.h>\nint low_data = 4;\nint low(int x) { return x; }\n")
    person.good()
    assert state(cache_folder(ci)) == before, "who may only read leaves everything as it is"


def test_entries_are_believed_only_with_the_secret_that_they_were_written_with(cached, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    ours, theirs = secret(folder, "ours"), secret(folder, "theirs")
    tree = with_rights(cached, "read-write", ours)
    output = tree.good()
    first = outputs(tree)
    for other in (with_rights(cached, "read", theirs), with_rights(cached, "read")):
        clean(other)
        text = other.good()
        assert "CACHE" not in text and "checksum" not in text and outputs(other) == first
    clean(tree)
    tree = with_rights(cached, "read-write", ours)
    text = tree.good()
    assert "  CC " not in text and outputs(tree) == first
    assert ours.read_text().strip() not in output + text


def test_who_can_write_but_does_not_know_the_secret_changes_nothing(cached, tmp_path_factory):
    """With all that the folder reveals: other entries' bytes, and the format with a checksum without a secret."""
    from ambilink.incremental.seal import HEADER, Entry, Seal

    tree = with_rights(cached, "read-write", secret(tmp_path_factory.mktemp("secrets"), "ours"))
    tree.good()
    first = outputs(tree)
    paths = entries(tree)
    contents = [path.read_bytes() for path in paths]
    for number, path in enumerate(paths):
        forged = Seal().close(path.name, Entry(contents[number][HEADER:] + b"evil"))
        other = contents[number - 1]
        path.write_bytes([forged, other, contents[number][:HEADER] + other[HEADER:]][number % 3])
    clean(tree)
    assert "CACHE" not in tree.good()
    assert outputs(tree) == first


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read (No such file or directory); make one: python3 -c"),
        (b"short", "a secret has 32 to 4,096 bytes, this 5"),
        (b"\n" * 100, "this 0"),
        (bytes(5000), "this 5,000"),
        ("folder", "is a folder"),
        ("fifo", "is no regular file"),
    ],
)
def test_a_secret_that_is_none(cached, content, complaint):
    path = cached.folder / "secret"
    if content == "folder":
        path.mkdir()
    elif content == "fifo":
        os.mkfifo(path)
    elif content is not None:
        path.write_bytes(content)
    output = with_rights(cached, "read", path).bad()
    assert "cache_key=" in output and complaint in output and "Traceback" not in output


def test_a_secret_that_others_can_read_is_reported(cached):
    path = secret(cached.folder, "ours")
    path.chmod(0o644)
    assert f"cache_key={path}: others may read it" in with_rights(cached, "read", path).good()


def test_a_mode_that_is_none(cached):
    output = with_rights(cached, "readwrite").bad()
    assert "cache_mode=readwrite: there is no such mode; give read, write, read-write" in output


def test_a_folder_that_is_not_there_is_none_to_read(cached):
    output = with_rights(cached, "read").good()
    assert output.count("is not there") == 1 and not cache_folder(cached).exists()


def test_a_macro_that_names_the_checkout_is_not_taken_from_another(cached, tmp_path_factory):
    low = '#include <low.h>\nint low_data = 3;\nconst char top[] = TOP;\nint low(int x) { return x + top[0]; }\n'
    cached.write("low/low.c", low)
    other = replace(cached, folder=tmp_path_factory.mktemp("elsewhere") / "tree")
    shutil.copytree(cached.folder, other.folder)
    for tree in (cached, other):
        text = (tree.folder / "SConstruct").read_text()
        flag = f'-DTOP="{tree.folder}"'
        tree.write("SConstruct", text.replace('FLAGS=["-O1"', f"FLAGS=['-O1', {flag!r}"))
        tree.good()
    assert str(other.folder).encode() in (other.out / "lib/liblow.so").read_bytes()


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="only root mounts file systems, by mount")
def test_a_full_disk_ends_writing_with_one_message(cached):
    folder = cache_folder(cached)
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        output = cached.good()
        assert output.count("cannot be written (No space left on device); the build goes on without") == 1
        assert not list(folder.glob("??/.new.*"))
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="only root mounts file systems, by mount")
def test_a_folder_of_a_file_system_that_is_read_only_is_read(cached):
    cached.good()
    first, folder = outputs(cached), cache_folder(cached)
    if subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        clean(cached)
        output = cached.good()
        assert "  CC " not in output and "cannot be written" not in output and outputs(cached) == first
        cached.write("low/low.c", "#include <low.h>\nint low_data = 4;\nint low(int x) { return x; }\n")
        output = cached.good()
        assert output.count("cannot be written (Read-only file system)") == 1
    finally:
        subprocess.run(["umount", folder], check=True)


def test_the_cache_keeps_to_its_limit(cached):
    cached.good()
    size = sum(path.stat().st_size for path in cache_folder(cached).glob("??/*"))
    cached.more += "AMBILINK_CACHE_LIMIT='20K', "
    cached.resettle()
    (cached.folder / "low/low.c").write_text("#include <low.h>\nint low_data = 4;\nint low(int x) { return x; }\n")
    time.sleep(0.01)
    cached.good()
    kept = sum(path.stat().st_size for path in cache_folder(cached).glob("??/*"))
    assert size > 20 << 10 >= kept > 0
    newest = max(entries(cached), key=lambda path: path.stat().st_mtime_ns)
    assert newest.stat().st_mtime >= (cached.folder / "low/low.c").stat().st_mtime


def test_a_cache_that_cannot_be_one(cached):
    cached.write("file", "")
    cached.more = "AMBILINK_CACHE='file', "
    cached.resettle()
    assert "cache=file: is no folder" in cached.bad()
    cached.more = "AMBILINK_CACHE='folder', AMBILINK_CACHE_LIMIT='much', "
    cached.resettle()
    assert "cache_limit=much: is no size; give a number of bytes, or 500M, or 5G" in cached.bad()


def test_a_dry_run_takes_nothing_out_of_the_cache(cached):
    cached.good()
    clean(cached)
    cached.good("-n")
    assert not cached.out.exists() or not outputs(cached)


# Launchers.


def with_launcher(tree, launcher: str, **variables: str):
    tree.more = f"AMBILINK_LAUNCHER={launcher!r}, "
    tree.resettle()
    tree.variables = variables
    return tree


def test_an_unknown_launcher(pair):
    assert (
        "launcher=turbo: turbo is not there; install it, or choose one of ccache" in with_launcher(pair, "turbo").bad()
    )


@pytest.mark.skipif(not shutil.which("ccache"), reason="no ccache here")
def test_ccache_hits_on_the_second_build(pair, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("ccache"))
    with_launcher(pair, "ccache", CCACHE_DIR=folder)
    pair.good()
    first = outputs(pair)
    clean(pair)
    pair.good()
    assert outputs(pair) == first
    done = subprocess.run(
        ["ccache", "--print-stats"], capture_output=True, text=True, env={**os.environ, "CCACHE_DIR": folder}
    )
    counts = dict(line.split() for line in done.stdout.splitlines())
    assert int(counts["direct_cache_hit"]) + int(counts["preprocessed_cache_hit"]) == 3, counts
    assert int(counts["cache_miss"]) == 3


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reachable_compiler(top: Path, folder: Path, toolset) -> Path:
    """The hermetic compiler with a program of its own: other users cannot look into the caches of this one."""
    zig = shutil.copy(next(word for word in toolset.cc if word.startswith("/")), folder / "zig")
    Path(zig).chmod(0o755)
    file = folder / "hermetic.toml"
    text = (top / "toolchain/ambilink/compile/compilers/hermetic.toml").read_text()
    file.write_text(text.replace('cc = ["{package}/zig"', f'cc = ["{zig}"'))
    return file


@pytest.mark.skipif(not shutil.which("distccd"), reason="no distcc here")
def test_distcc_compiles_on_the_server(pair, top, tmp_path_factory, toolset):
    folder, port = tmp_path_factory.mktemp("distcc"), _free_port()
    log = folder / "log"
    if os.getuid() == 0:  # it gives up being root, and must still reach the compiler
        folder.chmod(0o777)
        for parent in [pair.folder, *pair.folder.parents]:
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o055)
        if pair.compiler == "hermetic":
            pair.compiler = str(reachable_compiler(top, folder, toolset))
    command = [
        "distccd",
        "--daemon",
        "--no-detach",
        "--allow",
        "127.0.0.1",
        "--listen",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--enable-tcp-insecure", "--log-file", str(log), "--verbose", "--jobs", "2", "--user", "nobody"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        variables = {"DISTCC_HOSTS": f"127.0.0.1:{port}", "DISTCC_FALLBACK": "0", "DISTCC_DIR": str(folder)}
        with_launcher(pair, "distcc", **variables).good()
    finally:
        server.terminate()
        server.wait()
    done = [line for line in log.read_text().splitlines() if "COMPILE_OK" in line]
    assert len(done) == 3, log.read_text()[-3000:]
