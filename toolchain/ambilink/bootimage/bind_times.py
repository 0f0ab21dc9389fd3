"""When functions of services are bound: lazily where the manifest asks for it and something can wait."""

from collections.abc import Mapping
from pathlib import Path

from ambilink.bootimage.layout import BindTime
from ambilink.bootimage.manifest import Manifest, ManifestService
from ambilink.bootimage.plugins import closure
from ambilink.errors import AmbilinkError
from ambilink.link.lazy import LAZY_RESOLVER, waiting_calls
from ambilink.link.module import Module

REMEDY = "link {} with link_flags=['-z', 'lazy'], or leave it out"


def _can_wait(service: ManifestService, program: Path, folder: Path) -> bool:
    """What binds at the first call, and all that it needs, is bound before."""
    files = closure([program, *(folder / name for name in service.preload)], folder)
    homes = [path for path, info in files.items() if LAZY_RESOLVER.decode() in info.defined]
    bound = closure(homes[:1], folder)
    return bool(homes) and any(
        next(waiting_calls(Module.load(path.name, path)), None) for path in files if path not in bound
    )


def bind_times(manifest: Manifest, programs: Mapping[str, Path], folder: Path) -> dict[str, BindTime]:
    """By service. Raise AmbilinkError for one that shall be bound lazily and has nothing that can wait."""
    found = {service.name: BindTime.NOW for service in manifest.services}
    lazy = [service for service in manifest.services if service.binding is BindTime.LAZY]
    for service in lazy:
        if _can_wait(service, programs[service.program], folder):
            found[service.name] = BindTime.LAZY
        elif place := service.places.get(("binding", 0)):
            rule = f"service {service.name}.binding is 'lazy', and none of its functions can wait for its first call"
            raise AmbilinkError(place, rule, REMEDY.format("its program, or a library of it,"))
    if manifest.binding is BindTime.LAZY and BindTime.LAZY not in found.values():
        rule = "image.binding is 'lazy', and no function of its services can wait for its first call"
        raise manifest.refuse("binding", "", rule, REMEDY.format("programs or libraries"))
    return found
