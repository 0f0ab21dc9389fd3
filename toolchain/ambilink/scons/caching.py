# mypy: ignore-errors
"""The shared cache: SCons' CacheDir with checksums, a size limit, and objects beside SCons' own entries."""

import os
import re
from pathlib import Path

import SCons.CacheDir
from SCons.Errors import UserError

from ambilink.incremental.cache import Cache

DEFAULT_LIMIT = "5G"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class CheckedCacheDir(SCons.CacheDir.CacheDir):
    """SCons makes it; the first environment that asks for a cache says which `Cache` it shares."""

    cache = None

    def retrieve(self, node):
        if self.is_enabled():
            _, path = self.cachepath(node)
            if os.path.exists(path) and not type(self).cache.sound(Path(path)):
                return False
        return super().retrieve(node)

    @classmethod
    def copy_to_cache(cls, env, src, dst):
        # SCons copies to a folder of its own inside DIR/xx, and renames the copy to DIR/xx/<name>.
        result = super().copy_to_cache(env, src, dst)
        final = os.path.join(os.path.dirname(os.path.dirname(dst)), os.path.basename(dst))
        cls.cache.seal(Path(final), Path(dst).read_bytes())
        return result


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)B?", text.strip().upper())
    if match is None:
        raise UserError(f"cache_limit={text}: is no size; give a number of bytes, or 500M, or 5G")
    return int(match[1]) * UNITS[match[2]]


def add_cache(env, context, folder, limit):
    """Objects and everything that SCons makes for `env` and its clones go through a cache in `folder`."""
    path = os.path.abspath(os.path.expanduser(folder))
    if os.path.exists(path) and not os.path.isdir(path):
        raise UserError(f"cache={folder}: is no folder; name one, or a path where none is yet")
    os.makedirs(path, exist_ok=True)
    context.cache = Cache(Path(path), parse_size(limit), context.store.digest_now, context.progress.say)
    CheckedCacheDir.cache = context.cache
    env.CacheDir(path, CheckedCacheDir)
