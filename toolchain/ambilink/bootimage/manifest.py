"""The manifest: which services and files a boot image has.

The keys of its tables are declared in manifest_keys.py. Libraries are not listed, but for those that programs open at
run time: they follow from DT_NEEDED.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import category

from ambilink import toml_file
from ambilink.bootimage.layout import (
    ARGUMENTS_MAX,
    NAME_MAX,
    PAGE_SIZE,
    PRELOADS_MAX,
    PRIORITY_MAX,
    REGISTERS_MAX,
    SERVICE_NAME_MAX,
    BindTime,
    Calls,
    Grant,
    Linker,
    Role,
    round_up,
)
from ambilink.bootimage.manifest_keys import IMAGE_KEYS, REGISTRY, SERVICE_KEYS, STACK_MAX
from ambilink.bootimage.multiboot_manifest import AMBILINK, TOP_KEYS, take_format, take_version
from ambilink.bootimage.signing import RELEASE_MAX, Signing
from ambilink.errors import AmbilinkError, choices
from ambilink.toml_file import Key, Table

ROLES = {"daemon": Role.DAEMON, "program": Role.PROGRAM, "on-demand": Role.ON_DEMAND}
LINKERS = {linker.name.lower(): linker for linker in Linker}
BINDINGS = {binding.name.lower(): binding for binding in BindTime}
CALLS = {calls.name.lower(): calls for calls in Calls}
GRANTS = {grant.name.lower(): grant for grant in Grant if grant.name}
MEMORY_MAX = 4 << 30  # the most that machines have
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
    registers: tuple[str, ...]
    starts: tuple[str, ...]
    opens: tuple[str, ...]
    preload: tuple[str, ...]
    memory: int  # bytes; 0: a share
    kernel_memory: int
    priority: int = 0
    binding: BindTime = BindTime.NOW
    sysroot: Path | None = None
    brings: tuple[str, ...] = ()
    place: str = field(default="", compare=False)  # file and line
    places: Mapping[tuple[str, int], str] = field(default_factory=dict, compare=False)  # of items of its lists


@dataclass(frozen=True)
class Manifest:
    path: Path
    kernel: str
    loader: str
    interpreter: str | None  # library that lies where programs ask for their interpreter
    libraries: tuple[str, ...]
    modules: tuple[str, ...]
    seed: int | None  # of the addresses that pack chooses
    signing: Signing | None  # None: the image is not signed
    services: list[ManifestService]
    files: dict[str, Path]
    binding: BindTime = BindTime.NOW
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def place(self, kind: str, name: str = "") -> str:
        """File and line of what the manifest names: a kernel, loader, interpreter, library, module, program or file."""
        return self.places.get((kind, name), str(self.path))

    def refuse(self, kind: str, name: str, rule: str, remedy: str) -> AmbilinkError:
        return AmbilinkError(self.place(kind, name), rule, remedy)

    @property
    def programs(self) -> list[str]:
        """Every program of the image, the loader first, each once."""
        return list(dict.fromkeys([self.loader, *(service.program for service in self.services)]))


def _choose(table: Table, key: str, value: str, offered: Mapping[str, _Choice], item: int | None = None) -> _Choice:
    if value not in offered:
        raise table.refuse(key, f"is {value!r}", choices(offered, value), item=item)
    return offered[value]


def _check_name(table: Table, key: str, name: str, limit: int, item: int | None = None) -> str:
    parts = name.split("/")
    if len(name.encode()) > limit or not name.isprintable() or {"", ".", ".."} & {*parts}:
        what = "is" if item is None else "has"
        remedy = f"use a relative name of 1 to {limit} bytes, without . or .. in it"
        raise table.refuse(key, f"{what} {name!r}", remedy, item=item)
    return name


def _check_text(table: Table, key: str, text: str, item: int | None = None) -> str:
    """What programs are handed as a C string, and print."""
    bad = next((letter for letter in text if category(letter) == "Cc"), None)
    if bad is not None:
        what = "a NUL" if bad == "\0" else f"the control character {bad!r}"
        raise table.refuse(key, f"has {what} in {text!r}", "write printable text", item=item)
    return text


def _check_path(table: Table, key: str, path: str) -> str:
    if not path or not path.isprintable():
        raise table.refuse(key, f"is {path!r}", "write the name of a file")
    return path


def _names(table: Table, key: str, kind: str, keys: Mapping[str, Key] = IMAGE_KEYS) -> tuple[str, ...]:
    """Files' names, each once."""
    names: list[str] = table.take_key(key, keys[key])
    for number, name in enumerate(names):
        if "/" in name:
            raise table.refuse(key, f"has {name!r}", f"give the {kind}'s name alone", item=number)
        _check_name(table, key, name, NAME_MAX, number)
        if name in names[:number]:
            raise table.refuse(key, f"has {name!r} twice", "leave one of them", item=number)
    return tuple(names)


def _read_authority(table: Table, take: Callable[..., Any], name: str) -> tuple[tuple[str, ...], ...]:
    """`registers`, `starts` and `opens`, each name once."""
    found: list[tuple[str, ...]] = []
    for key, default in (("registers", [name]), ("starts", []), ("opens", [])):
        names: list[str] = take(key, default)
        for number, item in enumerate(names):
            limit = NAME_MAX if key == "opens" else SERVICE_NAME_MAX
            _check_name(table, key, item, limit, number)
            if item in names[:number]:
                raise table.refuse(key, f"has {item!r} twice", "leave one of them", item=number)
            if "*" in item and (key == "registers" or not re.fullmatch(r"\*|[^*]+/\*", item)):
                remedy = "write whole names" if key == "registers" else 'write a name, "folder/*" or "*"'
                raise table.refuse(key, f"has {item!r}", remedy, item=number)
        found.append(tuple(names))
    if len(found[0]) > REGISTERS_MAX:
        raise table.refuse("registers", f"has {len(found[0])} items", f"give at most {REGISTERS_MAX}")
    if REGISTRY in found[1]:
        raise table.refuse(
            "starts",
            f"has {REGISTRY!r}, the registry, which is started once",
            "leave it out",
            item=found[1].index(REGISTRY),
        )
    return tuple(found)


def _read_sysroot(table: Table, take: Callable[..., Any], calls: Calls) -> tuple[Path | None, tuple[str, ...]]:
    """`sysroot` and `brings`, for programs of Linux alone."""
    sysroot = table.path.parent / _check_path(table, "sysroot", take("sysroot")) if table.has("sysroot") else None
    brings: list[str] = take("brings")
    for key, given in (("sysroot", sysroot), ("brings", brings)):
        if given and calls is not Calls.LINUX:
            raise table.refuse(key, 'is for calls = "linux"', "leave it out")
    if brings and not sysroot:
        raise table.refuse("brings", "has no sysroot that it is from", 'give sysroot = "..."')
    for number, name in enumerate(brings):
        _check_name(table, "brings", name, NAME_MAX, number)
    return sysroot, tuple(brings)


def _take_memory(table: Table, key: str, unit: int) -> int:
    size: int = table.take_key(key, SERVICE_KEYS[key])
    if table.has(key) and (not 0 < size <= MEMORY_MAX or size % unit):
        raise table.refuse(key, f"is {size}", f"use a multiple of {unit} up to {MEMORY_MAX}, or leave it out")
    return size


def _read_binding(table: Table, linker: Linker, calls: Calls, default: BindTime) -> BindTime:
    own = BindTime(_choose(table, "binding", table.take_key("binding", SERVICE_KEYS["binding"], "now"), BINDINGS))
    if not table.has("binding"):
        own = default if linker is not Linker.PACK and calls is Calls.AMBILINK else BindTime.NOW
    elif own is BindTime.LAZY and linker is Linker.PACK:
        raise table.refuse("binding", "is 'lazy', and pack binds when the image is made", "give it another linker")
    elif own is BindTime.LAZY and calls is Calls.LINUX:
        rule, remedy = 'is not for calls = "linux"', "leave it out: its own linker binds as the program wants it"
        raise table.refuse("binding", rule, remedy)
    return own


def _read_service(table: Table, default_linker: Linker, default_binding: BindTime) -> ManifestService:
    def take(key: str, default: Any = None) -> Any:
        return table.take_key(key, SERVICE_KEYS[key], default)

    if not table.has("name"):
        table.allow(SERVICE_KEYS)
        which = table.name.removeprefix("service ")
        raise AmbilinkError(table.place("name"), f"[[service]] number {which} has no name", 'add name = "..."')
    name = _check_name(table, "name", take("name"), SERVICE_NAME_MAX)
    table.name = f"service {name}"
    table.allow(SERVICE_KEYS)
    role = _choose(table, "role", take("role"), ROLES)
    grants = Grant(0)
    for number, grant in enumerate(take("grants")):
        grants |= Grant(_choose(table, "grants", grant, GRANTS, number))
    stack = take("stack")
    if not 0 < stack <= STACK_MAX or stack % PAGE_SIZE:
        raise table.refuse("stack", f"is {stack}", f"use a multiple of {PAGE_SIZE} up to {STACK_MAX}")
    arguments = take("arguments")
    for number, argument in enumerate(arguments):
        _check_text(table, "arguments", argument, number)
    environment = []
    variables = take("environment")
    for key, value in variables.items().items():
        if not isinstance(value, str):
            raise variables.refuse(key, f"is {value!r}", "quote it")
        if not key or "=" in key:
            raise variables.refuse(key, f"is no name of a variable: {key!r}", "write a name without = in it")
        _check_text(variables, key, _check_text(variables, key, key) and value)
        environment.append(f"{key}={value}")
    for key, values in (("arguments", arguments), ("environment", environment)):
        if len(values) > ARGUMENTS_MAX:
            raise table.refuse(key, f"has {len(values)} items", f"give at most {ARGUMENTS_MAX}")
    size = sum(len(text.encode()) + 1 for text in (name, *arguments, *environment))
    if size > stack // 2:
        raise table.refuse(
            "stack",
            f"is {stack}, and arguments and environment have {size} bytes",
            f"give at least {round_up(2 * size + 1024)}",
        )
    program = _check_path(table, "program", take("program", name))
    calls = Calls(_choose(table, "calls", take("calls"), CALLS))
    default = Linker.INTERP if calls is Calls.LINUX else default_linker
    linker = Linker(_choose(table, "linker", take("linker", default.name.lower()), LINKERS))
    if calls is Calls.LINUX and linker is not Linker.INTERP:
        raise table.refuse(
            "linker", f"is {linker.name.lower()!r}", 'a program with calls = "linux" brings its own: "interp"'
        )
    binding = _read_binding(table, linker, calls, default_binding)
    registers, starts, opens = _read_authority(table, take, name)
    preload = _names(table, "preload", "library", SERVICE_KEYS)
    if len(preload) > PRELOADS_MAX:
        raise table.refuse("preload", f"has {len(preload)} items", f"give at most {PRELOADS_MAX}")
    if preload and calls is Calls.LINUX:
        remedy = "set LD_PRELOAD in environment: its own linker reads that"
        raise table.refuse("preload", 'is not for calls = "linux"', remedy)
    sysroot, brings = _read_sysroot(table, take, calls)
    memory, kernel_memory = _take_memory(table, "memory", PAGE_SIZE), _take_memory(table, "kernel-memory", 1)
    priority = take("priority")
    if not 0 <= priority <= PRIORITY_MAX:
        raise table.refuse("priority", f"is {priority}", f"give one from 0 to {PRIORITY_MAX}")
    table.finish()
    return ManifestService(
        name,
        program,
        Role(role),
        grants,
        stack,
        tuple(arguments),
        tuple(environment),
        linker,
        calls,
        registers,
        starts,
        opens,
        preload,
        memory,
        kernel_memory,
        priority,
        binding,
        sysroot,
        brings,
        table.place("name"),
        {
            (key, number): table.place(key, number)
            for key, names in (("starts", starts), ("opens", opens), ("preload", preload), ("brings", brings))
            for number in range(len(names))
        }
        | ({("binding", 0): table.place("binding")} if table.has("binding") else {}),
    )


def _check_starts(service: ManifestService, services: Mapping[str, ManifestService]) -> None:
    for number, name in enumerate(service.starts):
        if not name.endswith("*") and name not in services:
            remedy = choices({each: each for each in services if each != REGISTRY}, name)
            raise AmbilinkError(
                service.places.get(("starts", number), service.place),
                f"service {service.name}.starts has {name!r}, which is no service of this manifest",
                remedy,
            )
    if service.name == REGISTRY and service.role is Role.ON_DEMAND:
        raise AmbilinkError(
            service.place,
            f"service {REGISTRY} is the registry, which is started once, and has role = \"on-demand\"",
            'give it role = "daemon"',
        )


def _read_services(
    top: Table, linker: Linker, binding: BindTime, places: dict[tuple[str, str], str]
) -> list[ManifestService]:
    services: dict[str, ManifestService] = {}
    for index, values in enumerate(top.take_tables("service")):
        table = Table(top.path, f"service {index + 1}", values, top.line_of("service"))
        service = _read_service(table, linker, binding)
        if service.name in services:
            first = services[service.name].place.rpartition(":")[2]
            raise AmbilinkError(
                service.place,
                f"service {service.name} is there twice, first in line {first}",
                "give each service a name of its own",
            )
        services[service.name] = service
        places.setdefault(("program", service.program), table.place("program" if table.has("program") else "name"))
    for service in services.values():
        _check_starts(service, services)
    if not services:
        top.allow((*TOP_KEYS, "image", "service", "files", "module"))  # a misspelt heading is why
        raise AmbilinkError(top.end, "service lists nothing to start", "add a [[service]]")
    return list(services.values())


def _read_files(table: Table, places: dict[tuple[str, str], str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name, source in table.items().items():
        _check_name(table, name, name, NAME_MAX)
        if not isinstance(source, str):
            raise table.refuse(name, f"is {source!r}", "write a path")
        _check_path(table, name, source)
        if name.split("/")[0] in ("modules", "services", "pack"):
            raise table.refuse(
                name, "clashes with the folders of modules, programs and linked pages", "choose another folder"
            )
        inner = next((each for each in files if f"{each}/".startswith(f"{name}/") or name.startswith(f"{each}/")), None)
        if inner is not None:
            raise table.refuse(name, f"and files.{inner} cannot both be there: one is the other's folder", "rename one")
        files[name] = table.path.parent / source
        places["file", name] = table.place(name)
    return files


def _read_signing(image: Table, places: dict[tuple[str, str], str]) -> Signing | None:
    def take(key: str, default: Any = None) -> Any:
        return image.take_key(key, IMAGE_KEYS[key], default)

    files: dict[str, Path | None] = {}
    for key in ("sign", "key"):
        name = take(key)
        files[key] = image.path.parent / _check_path(image, key, name) if image.has(key) else None
        places[key, ""] = image.place(key)
    release = take("version")
    least = take("least-version", release)
    for key, value in (("version", release), ("least-version", least)):
        if not 0 <= value <= RELEASE_MAX:
            raise image.refuse(key, f"is {value}", "use a number from 0 to 2**63 - 1")
    if files["sign"] is None and files["key"] is None:
        for key in ("version", "least-version"):
            if image.has(key):
                raise image.refuse(key, "is for signed images, and this one is not", "write image.sign or image.key")
        return None
    if least > release:
        raise image.refuse(
            "least-version", f"is {least}, and this image is version {release}", "its own kernel would refuse it"
        )
    return Signing(files["sign"], files["key"], release, least)


def read(path: Path) -> Manifest:
    top = Table(path, "", toml_file.read(path))
    take_version(top)
    image = top.take_table("image", {})
    if take_format(image) != AMBILINK:
        raise image.refuse("format", "is not 'ambilink'", "make this image by BootImage or ambilink image pack")
    image.allow(IMAGE_KEYS)

    def take(key: str) -> Any:
        return image.take_key(key, IMAGE_KEYS[key])

    libraries, modules = _names(image, "libraries", "file"), _names(image, "modules", "module")
    linker = Linker(_choose(image, "linker", take("linker"), LINKERS))
    binding = BindTime(_choose(image, "binding", take("binding"), BINDINGS))
    kernel, loader, interpreter, seed = take("kernel"), take("loader"), take("interpreter") or None, take("seed")
    if seed < -1 or seed >= 1 << 64:
        raise image.refuse("seed", f"is {seed}", "use a number from 0 to 2**64 - 1")
    for key, name in (("kernel", kernel), ("loader", loader)):
        _check_path(image, key, name)
    places = {(key, ""): image.place(key) for key in ("kernel", "loader", "interpreter", "binding")}
    signing = _read_signing(image, places)
    image.finish()
    if top.has("module"):
        raise top.refuse("module", "is not for format 'ambilink'", "write image.modules, or [[service]] and [files]")
    places |= {("library", name): image.place("libraries", number) for number, name in enumerate(libraries)}
    places |= {("module", name): image.place("modules", number) for number, name in enumerate(modules)}
    places["program", loader] = image.place("loader")
    services = _read_services(top, linker, binding, places)
    files = _read_files(top.take_table("files", {}), places)
    top.finish()
    if all(service.role is not Role.PROGRAM for service in services):
        raise AmbilinkError(
            services[0].place,
            'no service has role = "program", so the boot would pass before anything ran',
            'give that role to one at least: the boot passes when each "program" has ended with status 0',
        )
    return Manifest(
        path,
        kernel,
        loader,
        interpreter,
        libraries,
        modules,
        None if seed < 0 else seed,
        signing,
        services,
        files,
        binding,
        places,
    )
