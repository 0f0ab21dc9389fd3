"""Booting small systems that a test describes."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import toml

from ambilink.boot import BootResult, boot_and_verify
from ambilink.bootimage import container, layout
from ambilink.bootimage.pack import pack
from ambilink.machine.model import BootRequest


@dataclass
class System:
    """An image in the making. `service` adds one; the registry and the console are there already."""

    build: Path
    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    kernel: str = "kernel"
    loader: str = "loader"
    linker: str = "loader"
    binding: str = "now"
    interpreter: str | None = None
    seed: int | None = None
    libraries: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=lambda: ["serial", "rtc"])
    services: list[dict] = field(
        default_factory=lambda: [
            {"name": "names", "grants": ["log"]},
            {"name": "console", "grants": ["log"], "stack": 131072},
        ]
    )

    def service(self, name: str, **settings) -> "System":
        self.services.append({"name": name, **settings})
        return self

    def program(self, name: str, **settings) -> "System":
        return self.service(name, role="program", **settings)

    def file(self, name: str, text: str) -> "System":
        path = self.folder / name.replace("/", "-")
        path.write_text(text)
        self.files[name] = str(path)
        return self

    def pack(self) -> Path:
        manifest = self.folder / "system.toml"
        manifest.write_text(
            toml.dumps(
                {
                    "image": {
                        "kernel": self.kernel,
                        "loader": self.loader,
                        "libraries": self.libraries,
                        "linker": self.linker,
                        "binding": self.binding,
                        "modules": self.modules,
                    }
                    | ({} if self.seed is None else {"seed": self.seed})
                    | ({} if self.interpreter is None else {"interpreter": self.interpreter}),
                    "service": self.services,
                    "files": self.files,
                }
            )
        )
        image = self.folder / "system.img"
        pack(manifest, self.build, image)
        return image

    def boot(self, machine: str = "emulator", **settings) -> BootResult:
        return boot(self.build, self.pack(), machine, **settings)


def boot(build: Path, image: Path, machine: str = "emulator", **settings) -> BootResult:
    expect = settings.pop("expect", None)
    request = BootRequest(image, **{"seed": 1, "timeout": 300.0, **settings})
    return boot_and_verify(machine, request, build, expect)


@pytest.fixture
def system(build, tmp_path) -> System:
    return System(build, tmp_path)


# Each linking strategy that an image can ask for; "+" gives the interpreter, or the loader service.
STRATEGIES = ["loader", "loader+dynamic", "kernel", "interp", "interp+libc.so", "pack"]


def set_strategy(system: System, strategy: str) -> System:
    system.linker, _, more = strategy.partition("+")
    system.loader = "loader-dynamic" if more == "dynamic" else "loader"
    system.interpreter = more if more.endswith(".so") else None
    return system


@pytest.fixture(params=STRATEGIES)
def each_strategy(request, system) -> System:
    return set_strategy(system, request.param)


def grub_lacks(firmware: str | None = None) -> str:
    """What is missing to make an ISO that this firmware boots, or any firmware; empty: nothing."""
    parts = {"bios": ("i386-pc", "grub-pc-bin"), "uefi": ("x86_64-efi", "grub-efi-amd64-bin")}
    for program, package in (("grub-mkrescue", "grub-common"), ("xorriso", "xorriso"), ("mformat", "mtools")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: {package})"
    wanted = [parts[firmware]] if firmware else list(parts.values())
    if any((Path("/usr/lib/grub") / folder).is_dir() for folder, _ in wanted):
        return ""
    return f"GRUB's part for {firmware or 'BIOS or UEFI'} is not installed (Debian: {wanted[0][1]})"


SYSTEM = ("files", "greet", "audit")
AUDIT = {"grants": ["inspect"], "starts": ["fortune"], "opens": ["*"]}  # what services/audit needs


def whole(system, **linkers):
    """This project's services; `linkers` names some services' own."""
    for service in system.services:
        service |= {"linker": linkers[service["name"]]} if service["name"] in linkers else {}
    system.file("etc/motd", "Good morning.\n").file("etc/fortunes", "One line.\n")
    own = {name: {"linker": linkers[name]} if name in linkers else {} for name in (*SYSTEM, "fortune")}
    system.service("files", grants=["image"], **own["files"])
    system.program("greet", arguments=["etc/motd"], opens=["etc/motd"], **own["greet"])
    system.program("audit", **AUDIT, **own["audit"])
    return system.service("fortune", role="on-demand", opens=["etc/fortunes"], **own["fortune"])


def repack(build, image, contents):
    """The image with these files instead."""
    archive = layout.build(contents, image.archive.services, image.archive.loader, image.archive.loader_linker)
    image.path.write_bytes(container.build(build / "kernel", archive, layout.parse(archive, image.path)))
