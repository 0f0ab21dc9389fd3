"""Settings of the shared cache: where it is, who may do what, and the secret that authenticates its entries."""

import os
import re
import shlex
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.incremental.cache_folder import CacheFolder
from ambilink.incremental.entries import Storage
from ambilink.incremental.seal import Seal
from ambilink.scons.api import Environment, UserError
from ambilink.scons.arguments import setting

DEFAULT_LIMIT, DEFAULT_MODE = "5G", "read-write"
MODES = {"read": (True, False), "write": (False, True), "read-write": (True, True)}
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SCHEMES = ("grpc", "grpcs")
SECRET_MIN, SECRET_MAX = 32, 4096  # bytes
MAKE_SECRET = "python3 -c 'import secrets; print(secrets.token_hex(32))'"


@dataclass(frozen=True)
class CacheSettings:
    place: str  # a folder, or the URL of a server
    limit: int  # bytes
    reads: bool
    writes: bool
    key: str  # file of the secret, or ""
    ca: str  # file of the certificates that a server's must be signed by, or ""

    def seal(self, warn: Callable[[str], None]) -> Seal:
        return Seal(_read_secret(self.key, warn) if self.key else b"")


def cache_settings(env: Environment, place: str) -> CacheSettings:
    mode = setting(env, "AMBILINK_CACHE_MODE", DEFAULT_MODE)
    if mode not in MODES:
        raise UserError(f"cache_mode={mode}: there is no such mode; give {', '.join(MODES)}")
    reads, writes = MODES[mode]
    limit = parse_size(setting(env, "AMBILINK_CACHE_LIMIT", DEFAULT_LIMIT))
    key, ca = setting(env, "AMBILINK_CACHE_KEY", ""), setting(env, "AMBILINK_CACHE_CA", "")
    return CacheSettings(place, limit, reads, writes, os.path.expanduser(key), os.path.expanduser(ca))


def parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMGT]?)B?", text.strip().upper(), re.ASCII)
    if match is None:
        raise UserError(f"cache_limit={text}: is no size; give a number of bytes, or 500M, or 5G")
    return int(match[1]) * UNITS[match[2]]


def open_storage(settings: CacheSettings, warn: Callable[[str], None]) -> Storage:
    return _open_server(settings, warn) if "://" in settings.place else _open_folder(settings, warn)


def _open_server(settings: CacheSettings, warn: Callable[[str], None]) -> Storage:
    place = settings.place
    url = urlsplit(place)
    try:
        port = url.port
    except ValueError:
        port = None
    if url.scheme not in SCHEMES or not url.hostname or not port or url.query or url.fragment:
        raise UserError(f"cache={place}: is no server; give grpc://HOST:PORT, or grpcs:// for TLS; then /INSTANCE")
    if url.username is not None:
        raise UserError(f"cache={url.scheme}://...@{url.hostname}: names a user, and no name is sent; leave it out")
    if settings.ca and url.scheme != "grpcs":
        raise UserError(f"cache_ca={settings.ca}: {place} has no certificate; give grpcs:// for TLS")
    try:
        from ambilink.incremental.remote.server import Server
    except ImportError as error:
        raise UserError(f"cache={place}: needs more packages ({error}): pip install 'ambilink[remote]'") from error
    ca = _read(settings.ca, "cache_ca", "give the certificates, in PEM") if settings.ca else None
    address = f"[{url.hostname}]:{port}" if ":" in url.hostname else f"{url.hostname}:{port}"
    return Server(place, address, url.path.strip("/"), warn, secure=url.scheme == "grpcs", ca=ca)


def _read(path: str, name: str, remedy: str) -> bytes:
    try:
        return read_regular(Path(path), remedy)
    except AmbilinkError as error:
        raise UserError(f"{name}={error}") from error


def _open_folder(settings: CacheSettings, warn: Callable[[str], None]) -> CacheFolder:
    place, path = settings.place, os.path.abspath(os.path.expanduser(settings.place))
    if os.path.lexists(path) and not os.path.isdir(path):
        raise UserError(f"cache={place}: is no folder; name one, or a path where none is yet")
    if settings.writes:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise UserError(f"cache={place}: cannot be made ({error.strerror}); name another folder") from error
    elif not os.path.isdir(path):
        warn(f"cache {path}: is not there, and only those who may write make it; the build goes on without")
    return CacheFolder(Path(path), settings.limit, writes=settings.writes)


def _read_secret(path: str, warn: Callable[[str], None]) -> bytes:
    make = f"make one: {MAKE_SECRET} > {shlex.quote(path)}"
    secret = _read(path, "cache_key", make).strip()
    if not SECRET_MIN <= len(secret) <= SECRET_MAX:
        sizes = f"{SECRET_MIN} to {SECRET_MAX:,} bytes, this {len(secret):,}"
        raise UserError(f"cache_key={path}: a secret has {sizes}; {make}")
    if os.name != "nt" and stat.S_IMODE(os.stat(path).st_mode) & 0o077:
        warn(f"cache_key={path}: others may read it, and write entries that you trust; chmod 600 {path}")
    return secret
