"""BootImage."""

from pathlib import Path

from ambilink.bootimage.grub import CONFIG
from ambilink.files import as_argument
from ambilink.scons.api import Node, placed
from ambilink.scons.arguments import File, OptionalOutput, Output
from ambilink.scons.booting import refuse_other_processors
from ambilink.scons.builder import Call, builder
from ambilink.scons.kinds.boot_image import ImageOf, image_builder


@builder("BootImage")
def boot_image(
    call: Call, target: Output, manifest: File, iso: OptionalOutput = None, tree: OptionalOutput = None
) -> list[Node]:
    """The image that a manifest describes. Programs, the closure of their libraries, interpreters, modules and the
    kernel follow from the manifest and become dependencies.

    For a kernel that boots by Multiboot (`format` in the manifest) the image is an ELF file with a PVH note that holds
    kernel and modules: QEMU's `-kernel` and the bundled emulator start it without GRUB.

    Returns a list of nodes: the image, then the ISO and the folder's grub.cfg where they are asked for.

    target: file in the build folder.
    manifest: a TOML file: [manifest.md](manifest.md).
    iso: an ISO in the build folder, which GRUB boots on BIOS and UEFI machines. `grub-mkrescue` must be installed.
    tree: a folder in the build folder for GRUB: kernel, modules, and `boot/grub/grub.cfg`.
    """
    refuse_other_processors(call, f"boot image {target!r}")
    context, source = call.context, placed(manifest)
    image = ImageOf(context, source, call.location)
    targets, more = [context.file(target, call.location)], []
    if iso is not None:
        targets.append(context.file(iso, call.location))
        more += ["--iso", as_argument(str(targets[-1]))]
    if tree is not None:
        targets.append(context.file(f"{tree}/{CONFIG}", call.location))
        more += ["--tree", as_argument(str(Path(str(targets[-1])).parents[2]))]
    builder = image_builder()
    nodes: list[Node] = builder(call.env, targets, source, AMBILINK_IMAGE=image, AMBILINK_IMAGE_MORE=more)
    if iso is not None or tree is not None:
        call.env.NoCache(nodes)  # the folder has more files than are targets
    context.images.append(image.programs)
    for node in nodes:
        context.manifests[node] = source
        context.depends_late(node, image.inputs)
    return nodes
