"""Booting small systems that a test describes."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import toml

from ambilink.boot import BootResult, boot_and_verify
from ambilink.image.pack import pack
from ambilink.machine.model import BootRequest


@dataclass
class System:
    """An image in the making. `service` adds one; the registry and the console are there already."""

    build: Path
    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    loader: str = "loader"
    linker: str = "loader"
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
                    "image": {"loader": self.loader, "libraries": self.libraries, "linker": self.linker, "modules": self.modules}
                    | ({} if self.seed is None else {"seed": self.seed}),
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
    request = BootRequest(image, **{"seed": 1, "timeout": 30.0, **settings})
    return boot_and_verify(machine, request, build, expect)


@pytest.fixture
def system(build, tmp_path) -> System:
    return System(build, tmp_path)


@pytest.fixture(params=["loader", "pack"])
def each_way(request, system) -> System:
    """The system, linked in each way that an image can ask for."""
    system.linker = request.param
    return system
