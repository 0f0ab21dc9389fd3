"""The loader's policy, built once, and images to give it."""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ambilink.bootimage.container import read
from ambilink.bootimage.layout import Archive
from tests.boot.conftest import System, whole

from .script import Script, build


@pytest.fixture(scope="session")
def policy(top: Path, tmp_path_factory) -> Path:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the policy is built for x86-64 Linux")
    return build(top, tmp_path_factory.mktemp("loader"))


@pytest.fixture
def script(policy, tmp_path) -> Callable[[], Script]:
    return lambda: Script(policy, tmp_path)


@pytest.fixture(scope="session")
def pack(build: Path, tmp_path_factory) -> Callable[[str], Archive]:
    """This project's services with one strategy, and one that opens objects; packed once for each."""
    made: dict[str, Archive] = {}

    def run(linker: str) -> Archive:
        if linker not in made:
            system = System(build, tmp_path_factory.mktemp(linker), linker=linker, seed=7)
            system.libraries = ["libplugin.so", "libfixed.so"]
            whole(system).service("test-dynamic", role="on-demand")
            for service in system.services:
                service["starts"] = ["*"]
            made[linker] = read(system.pack()).archive
        return made[linker]

    return run
