"""The shared cache: SCons' CacheDir with checksums, a size limit, and objects beside SCons' own entries."""

import os
import re
from pathlib import Path
from typing import Any, ClassVar

from ambilink.incremental.cache import Cache
from ambilink.scons.api import CacheDir, Environment, Node, UserError
from ambilink.scons.context import Context

DEFAULT_LIMIT = "5G"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class CheckedCacheDir(CacheDir):
    """SCons makes it; the first environment that asks for a cache says which `Cache` it shares."""

    cache: ClassVar[Cache]

    def retrieve(self, node: Node) -> bool:
        if self.is_enabled():
            _, path = self.cachepath(node)
            if os.path.exists(path) and not self.cache.sound(Path(path)):
                return False
        return super().retrieve(node)

    @classmethod
    def copy_to_cache(cls, env: Environment, src: str, dst: str) -> Any:
        # SCons copies to a folder of its own inside DIR/xx, and renames the copy to DIR/xx/<name>.
        result = super().copy_to_cache(env, src, dst)
        final = os.path.join(os.path.dirname(os.path.dirname(dst)), os.path.basename(dst))
        cls.cache.seal(Path(final), Path(dst).read_bytes())
        return result


def parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMG]?)B?", text.strip().upper())
    if match is None:
        raise UserError(f"cache_limit={text}: is no size; give a number of bytes, or 500M, or 5G")
    return int(match[1]) * UNITS[match[2]]


def add_cache(env: Environment, context: Context, folder: str, limit: str) -> None:
    """Objects and everything that SCons makes for `env` and its clones go through a cache in `folder`."""
    path = os.path.abspath(os.path.expanduser(folder))
    if os.path.exists(path) and not os.path.isdir(path):
        raise UserError(f"cache={folder}: is no folder; name one, or a path where none is yet")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError(f"cache={folder}: cannot be made ({error.strerror}); name another folder") from error
    context.cache = Cache(Path(path), parse_size(limit), context.store.digest_now, context.progress.say)
    CheckedCacheDir.cache = context.cache
    env.CacheDir(path, CheckedCacheDir)
