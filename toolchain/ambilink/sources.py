"""Where the sources of the target system are: libs/, services/ and boot/, which any build can compile from there."""

from pathlib import Path

from ambilink.errors import AmbilinkError

PACKAGE = Path(__file__).parent
INSTALLED = "system"  # the folder of an installed package that holds them
# How they are compiled. DWARF 4, because 5 has digests of the sources: a comment would change the object.
FLAGS = ("-std=gnu17", "-O2", "-gdwarf-4", "-Wall", "-Wextra")
APART = ("libs/ports",)  # not declared with the folder that it is in: third-party libraries, which are fetched
MARK = "libs/rtld/include/rtld/link.h"


def system_folder(package: Path = PACKAGE) -> Path:
    """The top of a checkout, or a folder of the package itself where that is installed."""
    places = (package.parents[1], package / INSTALLED)
    for place in places:
        if (place / MARK).is_file():
            return place
    raise AmbilinkError(
        places[0], f"holds no sources of the target system, nor does {places[1]}", "install ambilink anew"
    )


def covers(whole: str, part: str) -> bool:
    """Whether the declarations of a part have those of another among them."""
    return part == whole or (part.rpartition("/")[0] == whole and part not in APART)


def part_names(folder: Path) -> list[str]:
    """Parts that can be declared: folders with an SConscript, from that of the sources."""
    tops = [folder / name for name in ("libs", "services", "boot")]
    found = [path.parent for top in tops for path in (top / "SConscript", *sorted(top.glob("*/SConscript")))]
    return [path.relative_to(folder).as_posix() for path in found]
