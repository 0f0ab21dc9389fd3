"""PyPI, or the index that pip is configured for: the sdist of a version, over the simple API (PEP 503, PEP 691).

`pip download` would run the package's build to learn its metadata; here nothing of it is run.
"""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from ambilink.errors import AmbilinkError

PATIENCE = 60  # seconds
ACCEPTED = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
ENDINGS = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")


@dataclass(frozen=True)
class Entry:
    """A file that an index lists."""

    name: str
    url: str
    sha256: str  # empty where the index does not say


def fetch(name: str, version: str, sha256: str) -> bytes:
    """The sdist of a version. Raises AmbilinkError."""
    what = f"{name} {version} (pypi)"
    page = f"{_index(what).rstrip('/')}/{re.sub(r'[-_.]+', '-', name).lower()}/"
    body, kind, place = _get(what, page, ACCEPTED)
    sdists = [each for each in read_page(body, kind, place) if is_sdist(each.name, name, version)]
    if not sdists:
        raise AmbilinkError(what, "the index has no sdist of this version", f"look at `pip index versions {name}`")
    chosen = next((each for each in sdists if each.sha256 in (sha256, "")), None)
    if chosen is None:
        files = ", ".join(f"{each.name} has {each.sha256}" for each in sdists)
        raise AmbilinkError(
            what,
            f"no sdist of this version has the SHA-256 {sha256}: {files}",
            "look at what changed before you take it: a registry keeps a version as it was",
        )
    return _get(what, chosen.url, "*/*")[0]


def is_sdist(file: str, name: str, version: str) -> bool:
    """Whether a file is the sdist of a version. Names are compared as PEP 503 says."""
    stem = next((file[: -len(ending)] for ending in ENDINGS if file.endswith(ending)), "")
    return re.sub(r"[-_.]+", "-", stem).lower() == re.sub(r"[-_.]+", "-", f"{name}-{version}").lower()


def read_page(body: bytes, kind: str, place: str) -> list[Entry]:
    """The files that a project's page lists, which is JSON or HTML."""
    if "json" in kind:
        try:
            files = json.loads(body)["files"]
            return [
                Entry(each["filename"], urljoin(place, each["url"]), each.get("hashes", {}).get("sha256", ""))
                for each in files
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AmbilinkError(place, f"is no page of an index ({error!r})", "see `pip config list`") from error
    reader = _Links(place)
    reader.feed(body.decode(errors="replace"))
    return reader.found


class _Links(HTMLParser):
    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
        self.found: list[Entry] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        link = dict(attributes).get("href")
        if tag == "a" and link:
            url, digest = urldefrag(urljoin(self._place, link))
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            self.found.append(Entry(name, url, digest.removeprefix("sha256=") if digest.startswith("sha256=") else ""))


def _index(what: str) -> str:
    """Where pip looks: as its settings say, else what its help has for the default."""
    named = os.environ.get("PIP_INDEX_URL")
    if named:
        return named
    settings = dict(line.partition("=")[::2] for line in _pip(what, "config", "list").splitlines())
    for key in ("global.index-url", "download.index-url", "install.index-url"):
        if key in settings:
            return settings[key].strip("'\"")
    default = re.search(r"Package\s+Index\s+\(default\s+(\S+)\)", _pip(what, "download", "--help"))
    if default is None:
        raise AmbilinkError(what, "pip does not say where it looks for packages", "set PIP_INDEX_URL")
    return default[1]


def _pip(what: str, *words: str) -> str:
    bases = dict.fromkeys((sys.executable, getattr(sys, "_base_executable", sys.executable)))
    for python in bases:  # an environment may have none of its own
        command = [python, "-m", "pip", *words]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "COLUMNS": "500"}
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return done.stdout
    raise AmbilinkError(what, "cannot be fetched: this Python has no pip to ask for the index", "set PIP_INDEX_URL")


def _get(what: str, url: str, accepted: str) -> tuple[bytes, str, str]:
    """Content, its kind, and where it was in the end. No message has the URL: there may be a secret in it."""
    try:
        request = urllib.request.Request(url, headers={"Accept": accepted})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read(), answer.headers.get("Content-Type", ""), answer.geturl()
    except urllib.error.HTTPError as error:
        raise AmbilinkError(what, f"the index answers {error.code} {error.reason}", "see `pip config list`") from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        remedy = "see `pip config list` and the network, or let AMBILINK_SOURCES name a folder that has the archive"
        raise AmbilinkError(what, f"cannot be fetched ({cause})", remedy) from error
