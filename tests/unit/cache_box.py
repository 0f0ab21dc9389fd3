"""A cache in a folder, as tests of it use it."""

from pathlib import Path

from ambilink.incremental.cache_folder import CacheFolder
from ambilink.incremental.entries import Entries
from ambilink.incremental.seal import Seal

KEY = "0123456789abcdef0123456789abcdef"


class Box:
    """A cache in a folder, with what it said."""

    def __init__(self, folder: Path, secret: bytes = b"", limit: int = 1 << 30, **rights: bool) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.said, self.seal = folder, [], Seal(secret)
        self.storage = CacheFolder(folder, limit, writes=rights.get("writes", True))
        self.entries = Entries(self.storage, self.seal, self.said.append, **rights)

    def file(self, key: str = KEY) -> Path:
        return Path(self.storage.path(self.seal.name(key)))

    def listed(self) -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in self.folder.rglob("*")}
