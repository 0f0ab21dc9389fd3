"""Builds with a cache on a server of the Remote Execution API: BuildGrid, fetched into an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.build.test_cache import clean, outputs, secret
from tests.buildgrid import NotFetchedError, Server, install


@pytest.fixture(scope="module")
def buildgrid() -> Path:
    try:
        return install()
    except NotFetchedError as error:
        pytest.skip(f"pip cannot fetch BuildGrid: {error}")


@pytest.fixture(scope="module")
def server(buildgrid, tmp_path_factory) -> Iterator[Server]:
    made = Server(buildgrid, tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


def using(tree, place: str, **settings: object):
    """The same tree with a cache there."""
    more = "".join(f"AMBILINK_CACHE_{name.upper()}={str(value)!r}, " for name, value in settings.items())
    other = replace(tree, more=f"AMBILINK_CACHE={place!r}, {more}", variables={"no_proxy": "127.0.0.1"})
    other.resettle()
    return other


def elsewhere(tree, folder: Path):
    """Another checkout of it."""
    other = replace(tree, folder=folder / "tree")
    shutil.copytree(tree.folder, other.folder, ignore=shutil.ignore_patterns("build", ".sconsign*"))
    return other


def made_here(output: str) -> set[str]:
    return {line.split()[0] for line in output.splitlines() if re.match("  [A-Z]", line)} - {"CACHE"}


def test_a_second_checkout_builds_from_the_server(pair, server, tmp_path_factory):
    """One object is larger than a message."""
    pair.write("low/large.c", "const char large[6 << 20] = {1, 2, 3};\n")
    pair.sconstruct(pair._text.replace('["low/low.c"]', '["low/low.c", "low/large.c"]'))
    first = using(pair, server.place)
    assert made_here(first.good()) > {"CC", "LD", "AR"}
    second = elsewhere(first, tmp_path_factory.mktemp("second"))
    assert made_here(second.good()) == set()
    assert outputs(second) == outputs(first)
    assert (second.out / "services/user").stat().st_mode & 0o111
    header = second.folder / "low/include/low.h"
    old = header.read_text()
    header.write_text(old + "#define CHANGED 1\n")
    assert second.good().count("  CC ") == 2
    header.write_text(old)
    output = second.good()
    assert "  CC " not in output and output.count("  CACHE ") == 2
    clean(second)
    without = using(second, "")
    assert "CACHE" not in without.good() and outputs(without) == outputs(first)


def test_instances_rights_and_secrets(pair, server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    ours, theirs = secret(folder, "ours"), secret(folder, "theirs")
    place = f"{server.place}/team/a"
    assert "CC" in made_here(using(pair, place, key=ours, mode="write").good())
    first = outputs(pair)
    clean(pair)
    before = len(server.blobs())
    assert made_here(using(pair, place, key=theirs, mode="read").good()) > {"CC", "LD"}
    assert len(server.blobs()) == before, "who may only read writes nothing"
    clean(pair)
    output = using(pair, place, key=ours, mode="read").good()
    assert made_here(output) == set() and outputs(pair) == first
    clean(pair)
    output = using(pair, f"{server.place}/nobodys", key=ours).good()
    assert output.count("; the build goes on without") == 1 and "Invalid instance name" in output
    assert outputs(pair) == first


def test_what_lies_in_the_servers_storage_may_be_damaged(pair, server):
    tree = using(pair, server.place, key=secret(pair.folder, "mine"))
    old = set(server.blobs())
    tree.good()
    first = outputs(tree)
    for path in set(server.blobs()) - old:
        if path.stat().st_size > 200:  # an entry, and no action
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    clean(tree)
    output = tree.good()
    assert "CC" in made_here(output) and outputs(tree) == first and "Traceback" not in output


def test_a_server_with_tls(pair, buildgrid, tmp_path_factory):
    server = Server(buildgrid, tmp_path_factory.mktemp("server"), secure=True)
    server.start()
    try:
        trusted = using(pair, server.place, ca=server.certificate)
        trusted.good()
        first = outputs(trusted)
        clean(trusted)
        assert made_here(trusted.good()) == set() and outputs(trusted) == first
        for place in (server.place, server.place.replace("grpcs:", "grpc:")):
            clean(trusted)
            output = using(pair, place).good()
            assert "CC" in made_here(output) and outputs(trusted) == first
            assert output.count("; the build goes on without") == 1
    finally:
        server.kill()


def test_a_server_that_is_killed_in_the_middle_of_a_build(pair, buildgrid, tmp_path_factory):
    for number in range(30):
        pair.write(f"low/more{number}.c", f"int more{number}(void) {{ return {number}; }}\n")
    pair.sconstruct(pair._text.replace('["low/low.c"]', 'Glob("low/*.c")'))
    server = Server(buildgrid, tmp_path_factory.mktemp("server"))
    server.start()
    tree = using(pair, server.place)
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": {**os.environ, **tree.variables}}
    build = subprocess.Popen([sys.executable, "-m", "SCons", "-j2"], cwd=tree.folder, text=True, **both)
    output, compiled = "", 0
    for line in build.stdout:
        output += line
        compiled += line.startswith("  CC ")
        if compiled == 10 and server.process.returncode is None:
            server.kill()
    assert build.wait() == 0, output
    assert output.count("; the build goes on without") == 1 and "Traceback" not in output, output
    first = outputs(tree)
    clean(tree)
    assert "CACHE" not in using(pair, "").good() and outputs(tree) == first


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("http://127.0.0.1:80", "is no server; give grpc://HOST:PORT, or grpcs://"),
        ("grpc://127.0.0.1", "is no server"),
        ("grpc://:80", "is no server"),
        ("grpc://127.0.0.1:99999", "is no server"),
        ("grpc://127.0.0.1:port", "is no server"),
        ("grpc://127.0.0.1:80?token=x", "is no server"),
        ("grpc://me:secret@127.0.0.1:80", "grpc://...@127.0.0.1: names a user"),
    ],
)
def test_a_place_that_is_no_server(pair, place, complaint):
    output = using(pair, place).bad()
    assert complaint in output and "Traceback" not in output and "secret" not in output


def test_a_certificate_that_is_none(pair):
    missing = pair.folder / "missing.pem"
    assert f"cache_ca={missing}: cannot be read" in using(pair, "grpcs://127.0.0.1:1", ca=missing).bad()
    assert "has no certificate; give grpcs://" in using(pair, "grpc://127.0.0.1:1", ca=missing).bad()
    missing.write_text("no certificate")
    output = using(pair, "grpcs://127.0.0.1:1", ca=missing).good()
    assert output.count("; the build goes on without") == 1


def test_without_the_packages_it_says_which(pair):
    pair.write("packages/grpc.py", "raise ImportError('no grpc here')\n")
    tree = using(pair, "grpc://127.0.0.1:1")
    tree.variables["PYTHONPATH"] = str(pair.folder / "packages")
    assert "needs more packages (no grpc here): pip install 'ambilink[remote]'" in tree.bad()
