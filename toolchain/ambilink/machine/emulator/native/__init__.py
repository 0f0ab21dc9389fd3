"""The native helper of the emulator: the C files of this folder, compiled when they are first asked for.

It is loaded with RTLD_GLOBAL before Unicorn is, so its exported functions named as Unicorn's own (`helper_*_x86_64`)
take their place: Unicorn calls these through its global offset table. Both know the CPU's state by one exact version
of Unicorn. Without the helper the emulator does the same in Python, slower, and Unicorn's arithmetic stays as it is:
`missing` says why.

Each `*.c` file of the folder is compiled; what Unicorn is to see is marked EXPORT, and the function that it replaces is
called by ORIGINAL (native.h).
"""

import ctypes
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path

from ambilink.compile.host_library import HostLibrary, host_library
from ambilink.compile.wheel import installed_version
from ambilink.errors import AmbilinkError

HERE = Path(__file__).parent
UNICORN = "2.1.4"
FLAGS = ("-fvisibility=hidden", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
SWITCH = "AMBILINK_EMULATOR"  # in the environment; `python`: without the helper
WITHOUT = "python"


_given_up: list[str] = []


class NativeUnavailable(AmbilinkError):
    """There is no native helper here."""


def recipe() -> HostLibrary:
    files = tuple(sorted(HERE.glob("*.c")))
    return HostLibrary("native helper", "emulator", ("x86_64",), files, flags=FLAGS, made_for=(UNICORN,))


def _unicorn_version() -> str:
    """Without importing it."""
    spec = importlib.util.find_spec("unicorn")
    return installed_version("unicorn", Path(spec.origin).parent) if spec is not None and spec.origin else "not there"


def _open() -> ctypes.CDLL:
    if os.environ.get(SWITCH) == WITHOUT:
        raise NativeUnavailable(SWITCH, f"is set to {WITHOUT}")
    if "unicorn" in sys.modules:
        raise NativeUnavailable("unicorn", "was imported before the emulator")
    if (version := _unicorn_version()) != UNICORN:
        raise NativeUnavailable("unicorn", f"is {version}, and the native helper is for {UNICORN}")
    library = host_library(recipe())
    try:
        return ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise NativeUnavailable(library, f"cannot be loaded ({error})") from error


class _Original(ctypes.Structure):
    """native.h, struct original."""

    _fields_ = [("name", ctypes.c_char_p), ("address", ctypes.c_void_p)]


def _find_originals(library: ctypes.CDLL) -> None:
    """Fill in where the functions lie that the helper's take the place of."""
    from unicorn.unicorn_py3.unicorn import uclib

    count = ctypes.c_size_t()
    library.native_originals.restype = ctypes.POINTER(_Original)
    originals = library.native_originals(ctypes.byref(count))
    absent = []
    for index in range(count.value):
        name = originals[index].name.decode()
        if hasattr(uclib, name):
            originals[index].address = ctypes.cast(getattr(uclib, name), ctypes.c_void_p)
        else:
            absent.append(name)  # then nothing calls ours either
    if absent:
        raise NativeUnavailable("unicorn", f"has no {absent[0]}: it is not the {UNICORN} that the helper knows")


@cache
def load() -> "ctypes.CDLL | str":
    """The helper, or why there is none. The first call must precede the first import of Unicorn."""
    try:
        library = _open()
        _find_originals(library)
    except AmbilinkError as error:
        return str(error)
    return library


def library() -> ctypes.CDLL | None:
    """None: `missing` says why."""
    loaded = load()
    return None if isinstance(loaded, str) else loaded


def missing() -> str | None:
    """Why there is no helper; None: there is one."""
    loaded = load()
    return loaded if isinstance(loaded, str) else _given_up[0] if _given_up else None


def give_up(reason: str) -> None:
    """A machine cannot use it."""
    _given_up.append(reason)


def notes(is_inexact: bool) -> list[str]:
    """What a boot reports of it. `is_inexact`: it computed what Unicorn alone does not compute as a processor does."""
    if (reason := missing()) is None:
        return []
    found = [f"the emulator runs without its native helper, slower and with inexact arithmetic ({reason})"]
    if is_inexact:
        found.append("this boot executed such arithmetic: x87 or SSE instructions whose results or flags may be wrong")
    return found
