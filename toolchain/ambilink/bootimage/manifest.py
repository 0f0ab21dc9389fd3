"""The manifest: which services and files a boot image has (boot/system/boot.toml).

    [image]
    kernel = "kernel"            # file under the build folder (default "kernel")
    loader = "loader"            # service that the kernel starts (default "loader")
    libraries = ["libplugin.so"] # that programs open at run time, files under lib/
    modules = ["serial"]         # that the kernel loads, in this order: files under modules/ without ".so"
    linker = "loader"            # who links the services: loader (default), kernel, interp, pack
    interpreter = "libc.so"      # file under lib/interp/ that lies where programs ask for their interpreter
    seed = 1                     # of the addresses that `linker = "pack"` chooses

    [[service]]                  # in the order of their start
    name = "greet"
    program = "greet"            # file under services/ (default: the name)
    role = "program"             # daemon (default), program, on-demand
    grants = ["log"]             # log, image
    stack = 65536                # bytes (default 65536)
    arguments = ["etc/motd"]
    environment = { LOG = "debug" }
    linker = "pack"              # of this one service
    calls = "linux"              # its system calls are Linux'; program is a path then, and it brings its libraries

    [files]                      # name in the image = path, relative to the manifest
    "etc/motd" = "files/motd"

Other libraries are not listed: they follow from DT_NEEDED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ambilink import toml_file
from ambilink.bootimage.layout import ARGUMENTS_MAX, NAME_MAX, PAGE_SIZE, SERVICE_NAME_MAX, Calls, Grant, Linker, Role
from ambilink.toml_file import Table

ROLES = {"daemon": Role.DAEMON, "program": Role.PROGRAM, "on-demand": Role.ON_DEMAND}
LINKERS = {linker.name.lower(): linker for linker in Linker}
CALLS = {calls.name.lower(): calls for calls in Calls}
GRANTS = {"log": Grant.LOG, "image": Grant.IMAGE}
STACK_DEFAULT = 16 * PAGE_SIZE
STACK_MAX = 64 << 20
_Choice = TypeVar("_Choice")


@dataclass(frozen=True)
class ManifestService:
    name: str
    program: str
    role: Role
    grants: Grant
    stack_size: int
    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    linker: Linker
    calls: Calls


@dataclass(frozen=True)
class Manifest:
    path: Path
    kernel: str
    loader: str
    interpreter: str | None  # library that lies where programs ask for their interpreter
    libraries: tuple[str, ...]
    modules: tuple[str, ...]
    seed: int | None  # of the addresses that pack chooses
    services: list[ManifestService]
    files: dict[str, Path]

    @property
    def programs(self) -> list[str]:
        """Every program of the image, the loader first, each once."""
        return list(dict.fromkeys([self.loader, *(service.program for service in self.services)]))


def _choose(table: Table, key: str, value: str, choices: Mapping[str, _Choice]) -> _Choice:
    if value not in choices:
        raise table.refuse(key, f"is {value!r}", f"choose one of: {', '.join(choices)}")
    return choices[value]


def _check_name(table: Table, key: str, name: str, limit: int) -> str:
    if not name or len(name.encode()) > limit or name.startswith("/") or "\0" in name:
        raise table.refuse(key, f"is {name!r}", f"use a relative name of 1 to {limit} bytes")
    return name


def _linker(table: Table, default: Linker) -> Linker:
    return Linker(_choose(table, "linker", table.take("linker", str, default.name.lower()), LINKERS))


def _read_service(table: Table, default_linker: Linker) -> ManifestService:
    name = _check_name(table, "name", table.take("name", str), SERVICE_NAME_MAX)
    table.name = f"service {name}"
    role = _choose(table, "role", table.take("role", str, "daemon"), ROLES)
    grants = Grant(0)
    for grant in table.take_strings("grants", []):
        grants |= Grant(_choose(table, "grants", grant, GRANTS))
    stack = table.take("stack", int, STACK_DEFAULT)
    if not 0 < stack <= STACK_MAX or stack % PAGE_SIZE:
        raise table.refuse("stack", f"is {stack}", f"use a multiple of {PAGE_SIZE} up to {STACK_MAX}")
    arguments = table.take_strings("arguments", [])
    environment = []
    for key, value in table.take_table("environment", {}).items().items():
        if not isinstance(value, str):
            raise table.refuse(f"environment.{key}", f"is {value!r}", "quote it")
        environment.append(f"{key}={value}")
    for key, values in (("arguments", arguments), ("environment", environment)):
        if len(values) > ARGUMENTS_MAX:
            raise table.refuse(key, f"has {len(values)} items", f"give at most {ARGUMENTS_MAX}")
    program = table.take("program", str, name)
    calls = Calls(_choose(table, "calls", table.take("calls", str, "ambilink"), CALLS))
    linker = _linker(table, Linker.INTERP if calls is Calls.LINUX else default_linker)
    if calls is Calls.LINUX and linker is not Linker.INTERP:
        raise table.refuse(
            "linker", f"is {linker.name.lower()!r}", 'a program with calls = "linux" brings its own: "interp"'
        )
    table.finish()
    return ManifestService(
        name, program, Role(role), grants, stack, tuple(arguments), tuple(environment), linker, calls
    )


def read(path: Path) -> Manifest:
    top = Table(path, "", toml_file.read(path))
    image = top.take_table("image", {})
    kernel, loader = image.take("kernel", str, "kernel"), image.take("loader", str, "loader")
    libraries = tuple(image.take_strings("libraries", []))
    for name in libraries:
        if "/" in name:
            raise image.refuse("libraries", f"has {name!r}", "give the file's name alone")
        _check_name(image, "libraries", name, NAME_MAX)
    modules = tuple(image.take_strings("modules", []))
    for name in modules:
        if "/" in name:
            raise image.refuse("modules", f"has {name!r}", "give the module's name alone")
    linker = _linker(image, Linker.LOADER)
    interpreter = image.take("interpreter", str, "") or None
    seed = image.take("seed", int, -1)
    if seed < -1 or seed >= 1 << 64:
        raise image.refuse("seed", f"is {seed}", "use a number from 0 to 2**64 - 1")
    image.finish()
    services: list[ManifestService] = []
    for index, values in enumerate(top.take("service", list, [])):
        service = _read_service(Table(path, f"service {index + 1}", values), linker)
        if any(other.name == service.name for other in services):
            raise top.refuse(f"service {service.name}", "is there twice", "give each service a name of its own")
        services.append(service)
    if not services:
        raise top.refuse("service", "lists nothing to start", "add a [[service]]")
    files: dict[str, Path] = {}
    files_table = top.take_table("files", {})
    for name, source in files_table.items().items():
        _check_name(files_table, repr(name), name, NAME_MAX)
        if not isinstance(source, str):
            raise files_table.refuse(name, f"is {source!r}", "write a path")
        if name.split("/")[0] in ("modules", "services", "pack"):
            raise files_table.refuse(
                name, "clashes with the folders of modules, programs and linked pages", "choose another folder"
            )
        files[name] = path.parent / source
    top.finish()
    return Manifest(path, kernel, loader, interpreter, libraries, modules, None if seed < 0 else seed, services, files)
