"""Which functions run until programs have started and ended: order.py BUILD writes the lists by which lld places them.

They lie scattered over many pages otherwise, each of which a boot has to compare with its digest: in a signed image a
page is as dear as all else that a small program does."""

import sys
import tempfile
from pathlib import Path

from tests.bench.boot import make_image

from ambilink.files import write_atomically
from ambilink.machine.model import BootRequest
from ambilink.verify.profile import profile

STRATEGIES = ("static", "pack", "loader", "interp")
# By the file that they run in; what the demo runs comes last.
LISTS = {"services/loader": "services/loader/order.list", "lib/libc.so": "libs/c/order.list"}


def main() -> None:
    build, found = Path(sys.argv[1]), {name: dict[str, None]() for name in LISTS}
    with tempfile.TemporaryDirectory() as folder:
        for strategy in STRATEGIES:
            _add(found, make_image(build, strategy, 1, "small", Path(folder)), build)
        _add(found, BootRequest(build / "boot.img", seed=1), build)
    for name, functions in found.items():
        write_atomically(Path(LISTS[name]), "".join(f"{each}\n" for each in functions).encode())


def _add(found: dict[str, dict[str, None]], request: BootRequest, build: Path) -> None:
    ran = profile(request, build).places
    for name, functions in found.items():
        here = {each.function for each in ran if each.file == name}
        functions.update(dict.fromkeys(sorted(here - {"?"})))


if __name__ == "__main__":
    main()
