"""Bochs as a machine: a third implementation, which takes no short cut."""

import shutil
import subprocess
import time
from pathlib import Path

SETTINGS = """\
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/seabios/bios.bin
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
boot: cdrom
megs: 128
cpu: model=corei7_haswell_4770, reset_on_triple_fault=0, ips=4000000
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=boot.iso, status=inserted
com1: enabled=1, mode=file, dev=console
log: log
panic: action=fatal
"""
SECONDS = 120
NEEDED = ("/usr/share/seabios/bios.bin", "/usr/share/bochs/VGABIOS-lgpl-latest", "/usr/lib/grub/i386-pc")


def bochs_lacks() -> str | None:
    """Why it cannot be used here."""
    if shutil.which("bochs") and all(Path(path).exists() for path in NEEDED):
        return None
    return "Bochs is not installed (Debian: bochs seabios grub-pc-bin)"


def boot(iso: Path, folder: Path, until: str) -> list[str]:
    """The lines of its console, until a text comes. Files are left in the folder."""
    shutil.copy(iso, folder / "boot.iso")
    (folder / "bochsrc").write_text(SETTINGS)
    (folder / "commands").write_text("c\n")  # Debian's is built with a debugger, which waits for one
    console = folder / "console"
    with (folder / "output").open("wb") as output:
        words = ["bochs", "-q", "-f", "bochsrc", "-rc", "commands"]
        bochs = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end and bochs.poll() is None:
                if console.is_file() and until in console.read_text(errors="replace"):
                    break
                time.sleep(0.2)
        finally:
            bochs.kill()
            bochs.wait()
    return console.read_text(errors="replace").splitlines() if console.is_file() else []
