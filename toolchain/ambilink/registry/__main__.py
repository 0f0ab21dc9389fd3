"""python -m ambilink.registry: one package's sources, into a folder of a build. The builder `RegistrySource` calls it.

With them comes a list of what was unpacked, with digests: by it a build sees whether anything changed.
"""

import argparse
import hashlib
import sys
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.registry.archive import REGISTRIES, Package, find
from ambilink.registry.unpack import unpack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ambilink.registry", description="Fetch and unpack sources.")
    parser.add_argument("registry", choices=sorted(REGISTRIES))
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("sha256")
    parser.add_argument("--folder", default="", help="what is unpacked, from the folder at the archive's top")
    parser.add_argument("--file", action="append", default=[], help="that must be there")
    parser.add_argument("--list", required=True, type=Path, help="the list to write, in the folder that is made")
    words = parser.parse_args()
    package = Package(words.registry, words.name, words.version, words.sha256)
    try:
        folder = words.list.parent
        names = unpack(package, find(package), words.folder, words.file, folder)
        lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
        write_atomically(words.list, "".join(lines).encode())
    except AmbilinkError as error:
        print(f"ambilink: {error}")
        return 1
    return 0


sys.exit(main())
