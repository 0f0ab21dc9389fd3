"""Fetching sources from registries: a server and clients of our own stand in for them."""

import hashlib
import http.server
import json
import subprocess
import sys
import threading

import pytest

from ambilink.errors import AmbilinkError
from ambilink.registry import npm, pypi
from ambilink.registry.archive import Package, find

ARCHIVE = b"an archive"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
OTHER = "b" * 64


class Index(http.server.BaseHTTPRequestHandler):
    """PEP 503 and PEP 691."""

    json = True
    asked: list[str] = []

    def do_GET(self):
        Index.asked.append(self.path)
        files = {"some_pack-1.0.tar.gz": SHA256, "some_pack-1.0-py3-none-any.whl": OTHER, "some-pack-1.1.zip": OTHER}
        if self.path == "/simple/some-pack/" and self.json:
            pairs = ((name, {"sha256": digest}) for name, digest in files.items())
            listed = [{"filename": name, "url": f"../../files/{name}", "hashes": hashes} for name, hashes in pairs]
            self.answer(json.dumps({"files": listed}).encode(), "application/vnd.pypi.simple.v1+json")
        elif self.path == "/simple/some-pack/":
            links = "".join(f'<a href="/files/{name}#sha256={digest}">{name}</a>' for name, digest in files.items())
            self.answer(f"<html>{links}</html>".encode(), "text/html")
        elif self.path == "/files/some_pack-1.0.tar.gz":
            self.answer(ARCHIVE, "application/gzip")
        elif self.path == "/files/some-pack-1.1.zip":
            self.answer(b"something else", "application/zip")
        else:
            self.send_error(404, "not here")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *what):
        pass


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AMBILINK_SOURCES", raising=False)


@pytest.fixture(params=[True, False], ids=["json", "html"])
def index(request, monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    Index.json, Index.asked = request.param, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple/")
    monkeypatch.setenv("no_proxy", "*")
    yield server
    server.shutdown()
    server.server_close()


def test_an_sdist_is_fetched_once(index, tmp_path):
    package = Package("pypi", "Some_Pack", "1.0", SHA256)
    assert find(package) == find(package) == ARCHIVE
    assert Index.asked == ["/simple/some-pack/", "/files/some_pack-1.0.tar.gz"]
    kept = tmp_path / "cache/ambilink/sources" / SHA256
    kept.write_bytes(b"damaged")
    assert find(package) == kept.read_bytes() == ARCHIVE and len(Index.asked) == 4


@pytest.mark.parametrize(
    "name, version, sha256, rule",
    [
        ("some-pack", "1.0", OTHER, f"has the SHA-256 {OTHER}: some_pack-1.0.tar.gz has {SHA256}"),
        ("some-pack", "1.1", OTHER, "its SHA-256 is "),  # the index says one, and gives another
        ("some-pack", "2.0", SHA256, "the index has no sdist of this version"),
        ("other", "1.0", SHA256, "the index answers 404 not here"),
    ],
)
def test_what_an_index_does_not_have(index, tmp_path, name, version, sha256, rule):
    with pytest.raises(AmbilinkError) as error:
        find(Package("pypi", name, version, sha256))
    assert rule in str(error.value) and str(error.value).startswith(f"{name} {version} (pypi): ")
    assert not list(tmp_path.rglob("sources/*"))


def test_no_network(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(AmbilinkError, match=r"some-pack 1.0 \(pypi\): cannot be fetched \(.*AMBILINK_SOURCES") as error:
        find(Package("pypi", "some-pack", "1.0", SHA256))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"files": [{}]}', b"\xff", b'{"files": 3}'])
def test_a_page_that_is_none(body):
    with pytest.raises(AmbilinkError, match="is no page of an index"):
        pypi.read_page(body, "application/json", "index/some-pack/")


def test_pip_says_where_it_looks(monkeypatch):
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert pypi._index("x").startswith("https://")
    monkeypatch.setattr(pypi, "_pip", lambda what, *words: "global.index-url='https://own.example/simple'\n")
    assert pypi._index("x") == "https://own.example/simple"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """An npm that does what a script says."""

    def install(script: str) -> None:
        path = tmp_path / "bin/npm"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


PACKS = """
assert sys.argv[1:3] == ["pack", "--ignore-scripts"] and sys.argv[-1] == "@own/pack@1.0", sys.argv
open(sys.argv[3].partition("=")[2] + "/own-pack-1.0.tgz", "wb").write(b"an archive")
"""
FAILS = 'sys.exit("npm warn old\\nnpm error code E404\\nnpm error 404 Not Found\\nnpm error a third line")'


def test_npm(client):
    client(PACKS)
    assert find(Package("npm", "@own/pack", "1.0", SHA256)) == ARCHIVE
    with pytest.raises(AmbilinkError, match=f"its SHA-256 is {SHA256}, not {OTHER}"):
        find(Package("npm", "@own/pack", "1.0", OTHER))
    client(FAILS)
    with pytest.raises(AmbilinkError, match=r"npm cannot fetch it \(code E404; 404 Not Found\)"):
        npm.fetch("pack", "1.0")
    client("pass")
    with pytest.raises(AmbilinkError, match="it does not say why"):
        npm.fetch("pack", "1.0")


def test_without_npm(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AmbilinkError, match="there is no npm on the PATH; install npm, or let AMBILINK_SOURCES name"):
        find(Package("npm", "pack", "1.0", SHA256))
    monkeypatch.setenv("AMBILINK_SOURCES", str(tmp_path / "none"))
    with pytest.raises(AmbilinkError, match="let AMBILINK_SOURCES name a folder"):
        find(Package("npm", "pack", "1.0", SHA256))
    (tmp_path / "any").write_bytes(ARCHIVE)
    monkeypatch.setenv("AMBILINK_SOURCES", str(tmp_path))
    assert find(Package("npm", "pack", "1.0", SHA256)) == ARCHIVE


def test_a_build_loads_nothing_that_fetches():
    """Each start of SCons would pay for it."""
    program = "import sys, ambilink.scons.environment; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "ambilink.scons.builders.registry_source" in loaded
    assert not {"ambilink.registry", "urllib.request", "http.client", "ssl", "tarfile", "zipfile"} & loaded
