"""What is made of a manifest, whatever its format: the image, and for GRUB a folder or an ISO."""

from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage import multiboot, multiboot_manifest
from ambilink.bootimage.grub import GrubTree, write_iso
from ambilink.bootimage.pack import Packed, build, write
from ambilink.compile.profile import Profile
from ambilink.files import write_output


@dataclass(frozen=True)
class Outputs:
    """Files to write. The image boots without GRUB."""

    image: Path
    iso: Path | None = None
    tree: Path | None = None


def make(manifest: Path, root: Path, profile: Profile, outputs: Outputs) -> list[str]:
    """Write them; returns what was made, in words. `root` is the build folder."""
    if multiboot_manifest.format_of(manifest) == multiboot_manifest.AMBILINK:
        packed = build(manifest, root, outputs.image)
        if outputs.iso or outputs.tree:
            name, archive = Path(packed.kernel).name, packed.archive.data
            _write_for_grub(outputs, multiboot.kernel_and_archive(manifest.stem, name, packed.kernel_data, archive))
        write(packed)
        return _words(packed)
    made = multiboot.build(manifest, root, profile)
    _write_for_grub(outputs, made.tree)
    write_output(outputs.image, made.wrapper)
    return [f"{outputs.image}: {len(made.wrapper):,} bytes, the kernel and {len(made.modules)} modules"]


def _write_for_grub(outputs: Outputs, tree: GrubTree) -> None:
    if outputs.iso:
        write_iso(tree, outputs.iso)
    if outputs.tree:
        tree.write(outputs.tree)


def _words(packed: Packed) -> list[str]:
    archive = packed.archive
    lines = [f"{packed.image}: {packed.size:,} bytes, {len(archive.files)} files, {len(archive.services)} services"]
    if packed.signing:
        lines.append(packed.signing)
    if packed.linked or packed.taken:
        lines.append(f"{packed.linked} programs linked, {packed.taken} as they were linked last")
    return lines
