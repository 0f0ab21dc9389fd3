"""Puts the sources of the target system into the package: libs/, services/ and boot/ become ambilink/system/."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

TOP = Path(__file__).resolve().parent
SYSTEM = ("libs", "services", "boot")
OUTPUTS = (".o", ".a", ".so", ".d", ".img", ".log", ".pyc", ".part", ".debug", ".objects", ".orig", ".rej", "~")

# A wheel depends on the sources alone: not on when and under which umask it is made, nor on what was built before.
os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")  # 1980-01-01, the oldest time that a zip file knows
os.umask(0o022)
scratch = tempfile.mkdtemp(prefix="ambilink-wheel-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)


def system_files() -> Iterator[Path]:
    for path in sorted(file for name in SYSTEM for file in (TOP / name).rglob("*")):
        hidden = any(name.startswith((".", "__")) for name in path.relative_to(TOP).parts)
        if path.is_file() and not hidden and not path.name.endswith(OUTPUTS):
            yield path


class BuildWithSystem(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # a checkout has them
        for path in system_files():
            target = Path(self.build_lib, "ambilink/system", path.relative_to(TOP))
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target), preserve_times=False)
        normalise_modes(Path(self.build_lib))


class ReproducibleWheel(bdist_wheel):
    def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
        super().egg2dist(egginfo_path, distinfo_path)
        normalise_modes(Path(distinfo_path))


def normalise_modes(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


setup(
    cmdclass={"build_py": BuildWithSystem, "bdist_wheel": ReproducibleWheel},
    options={"build": {"build_base": scratch}},
)
