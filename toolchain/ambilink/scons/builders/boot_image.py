"""BootImage."""

from ambilink.scons.api import Node
from ambilink.scons.arguments import File, Output
from ambilink.scons.builder import Call, builder
from ambilink.scons.kinds.boot_image import ImageOf, image_builder


@builder("BootImage")
def boot_image(call: Call, target: Output, manifest: File) -> list[Node]:
    """The image that a manifest describes. Programs, the closure of their libraries, interpreters, modules and the
    kernel follow from the manifest and become dependencies.

    Returns a list of one node.

    target: file in the build folder.
    manifest: a TOML file: [manifest.md](manifest.md).
    """
    context, source = call.context, manifest.srcnode()
    image = ImageOf(context, source, call.location)
    nodes: list[Node] = image_builder()(call.env, context.file(target, call.location), source, AMBILINK_IMAGE=image)
    context.images.append(image.programs)
    context.depends_late(nodes[0], image.inputs)
    return nodes
