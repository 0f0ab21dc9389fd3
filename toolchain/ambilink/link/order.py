"""The order of constructors: needed objects first, as glibc's depth-first sort has it since 2.35."""

from collections.abc import Sequence

from ambilink.link.image import Image


def start_order(images: Sequence[Image]) -> list[Image]:
    """`images` in the order of loading, the program first; the result in the order of starting."""
    program = images[0]
    done: list[Image] = []
    seen = {id(program)}

    def visit(root: Image) -> None:
        stack = [(root, iter(root.needed))]
        seen.add(id(root))
        while stack:
            image, needed = stack[-1]
            following = next((other for other in needed if id(other) not in seen), None)
            if following is None:
                done.append(image)
                stack.pop()
            else:
                seen.add(id(following))
                stack.append((following, iter(following.needed)))

    for image in reversed(images):
        if id(image) not in seen:
            visit(image)
    done.append(program)
    first = [image for image in images if image.initfirst][-1:]
    return first + [image for image in done if image not in first]
