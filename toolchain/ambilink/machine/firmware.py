"""UEFI firmware for QEMU: OVMF, as distributions install it."""

import shutil
from pathlib import Path

from ambilink.machine.model import NoMachine

# Code, and the variables that it starts with: Debian and Ubuntu, Fedora, Arch, openSUSE.
PLACES = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
)
VARIABLES = "variables.fd"


def find_uefi() -> tuple[Path, Path]:
    for code, variables in PLACES:
        if Path(code).is_file() and Path(variables).is_file():
            return Path(code), Path(variables)
    raise NoMachine("the UEFI firmware OVMF is not installed (Debian: apt install ovmf)")


def uefi_options(scratch: Path) -> list[str]:
    """The firmware writes its variables: into a copy in `scratch`."""
    code, variables = find_uefi()
    shutil.copyfile(variables, scratch / VARIABLES)
    return [
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={scratch / VARIABLES}"),
    ]
