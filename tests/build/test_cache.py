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


def test_an_entry_without_its_checksum_is_not_believed(cached):
    cached.good()
    for path in cache_folder(cached).glob("??/*.sum"):
        path.unlink()
    clean(cached)
    assert "CACHE" not in cached.good()


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
