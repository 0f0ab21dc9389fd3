"""Where the kernel runs: one that relocates itself does so at other addresses in each boot than it is linked for."""

from ambilink.bootimage.container import ImageFile
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Moment, Stops
from ambilink.verify.kernel_state import MAGIC, MOVED, RECORD, RECORD_SYMBOL

# In the boot code, which is not moved: the CPU comes there when the kernel's record says where the kernel will run.
STOP_SYMBOL = "kernel_placed"


def distance_of(image: ImageFile, memory: PhysicalMemory | None) -> int:
    """To be added to the addresses that the kernel is linked for; 0 where it runs there, has not chosen yet, or is not
    ours."""
    address = image.physical(image.symbols.get(RECORD_SYMBOL, -1))
    if address is None or memory is None:
        return 0
    try:
        fields: tuple[int, ...] = RECORD.unpack(memory.read(address, RECORD.size))
    except IndexError:  # its segment lies where the machine has no memory
        return 0
    return fields[MOVED] if fields[0] == MAGIC else 0


def following(image: ImageFile, stops: Stops) -> Stops:
    """Stops at functions of the kernel, given by the addresses that it is linked for, where it will run."""
    placed = image.symbols.get(STOP_SYMBOL)
    if placed is None:
        return stops

    def place(moment: Moment) -> Stops:
        distance = distance_of(image, moment.memory)
        return {address + distance: function for address, function in stops.items()}

    return {placed: place}
