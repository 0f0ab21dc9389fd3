"""What processes ask for about their own objects, under each strategy."""

import struct

import pytest

from ambilink.bootimage.layout import PAGE_SIZE
from ambilink.bootimage.prelink import PACKED

from .script import ADDRESS, CLOSE, INVALID, MODULES, NOT_FOUND, OK, OPEN, START, SWEEP, SYMBOL, Script
from .test_start import described

pytestmark = pytest.mark.tools

PROGRAM = "test-dynamic"
PLUGIN, COLOUR = b"libplugin.so\0", b"libcolour.so\0"
DEFAULT, NEXT, CLOSURE = 0, 1, 2


def index(archive, name):
    return [service.name for service in archive.services].index(name)


def block_of(archive, name):
    """A start block as another linker wrote it, where it lies, and what is below it."""
    record = archive.contents(archive.file(f"pack/{name}"))
    _, low, _, _, _, _, address, offset, size, *_ = PACKED.unpack_from(record)
    return record[offset : offset + size], address, low


def begin(script, pack, linker):
    """The program runs as process 7; the script so far has one request."""
    run = script()
    if linker in ("loader", "pack"):
        run.image(pack(linker)).begin().request(6, START, data=PROGRAM.encode())
        return run, 7
    archive, packed = pack("kernel"), pack("pack")
    run.image(archive).process(index(archive, "audit"), *block_of(packed, "audit"), before=True)
    run.process(index(archive, PROGRAM), *block_of(packed, PROGRAM), before=False).begin()
    run.request(2, START, data=PROGRAM.encode())
    return run, 3


STRATEGIES = pytest.mark.parametrize("linker", ["loader", "pack", "kernel"])


def names_of(result, rows):
    return [described(result.replies[row])[0].split("/")[-1] for row in rows if result.replies[row].status == OK]


@STRATEGIES
def test_open_look_up_close(pack, script, linker):
    run, number = begin(script, pack, linker)
    before = run.dump(number) if linker != "kernel" else None
    run.request(number, MODULES, number, 0)  # recorded, and then no longer so
    opened = run.request(number, OPEN, 0, data=PLUGIN)
    during = run.dump(number)
    again = run.request(number, OPEN, 0, data=PLUGIN)
    loaded = [run.request(number, MODULES, number, index) for index in range(12)]
    first = Script.run(run)
    reply = first.replies[opened]
    handle, count, resolvers, relro = reply.words[:4]
    assert reply.status == OK and handle and count == 3
    at = 24 * resolvers + 16 * relro
    objects = [struct.unpack_from("<3Q", reply.data, at + 24 * number) for number in range(count)]
    assert handle in [each for each, _, _ in objects] and len({each for each, _, _ in objects}) == count
    functions = sum(first + last for _, first, last in objects)
    assert functions >= 2 and len(reply.data) == at + 24 * count + 8 * functions
    assert first.replies[again].words[:4] == (handle, 0, 0, 0)
    assert {"libplugin.so", "libcolour.so", "libshape.so"} <= set(names_of(first, loaded))
    pages = first.pages(during)
    if before:
        assert set(first.pages(before)) < set(pages)

    # The same script goes the same way: what was found is asked for.
    run, number = begin(script, pack, linker)
    run.request(number, OPEN, 0, data=PLUGIN)
    global_one = run.request(number, SYMBOL, DEFAULT, 0, data=b"plugin_bump\0")
    own = run.request(number, SYMBOL, CLOSURE, handle, data=b"plugin_bump\0")
    program = run.request(number, SYMBOL, DEFAULT, 0, data=b"own_data\0")
    after = run.request(number, SYMBOL, NEXT, 0, data=b"own_data\0")
    wrong = run.request(number, SYMBOL, CLOSURE, handle + 8, data=b"plugin_bump\0")
    scope = run.request(number, SYMBOL, 9, handle, data=b"plugin_bump\0")
    bad = run.request(number, CLOSE, handle + 8)
    closed = run.request(number, CLOSE, handle)
    run.request(number, SWEEP)
    swept = run.dump(number)
    loaded = [run.request(number, MODULES, number, index) for index in range(12)]
    result = run.run()
    replies = result.replies
    assert replies[global_one].status == replies[after].status == NOT_FOUND  # not opened globally; no caller
    assert replies[own].status == replies[program].status == OK
    assert replies[wrong].status == replies[scope].status == replies[bad].status == NOT_FOUND
    handles = struct.unpack("<3Q", replies[closed].data)  # what goes, the last constructed first
    assert replies[closed].words[0] == 1 and handles[0] == handle
    assert "libplugin.so" not in names_of(result, loaded)
    assert set(result.pages(swept)) < set(pages)
    if before:
        assert set(result.pages(swept)) == set(first.pages(before))

    run, number = begin(script, pack, linker)
    run.request(number, OPEN, 0, data=PLUGIN)
    here = run.request(number, ADDRESS, replies[own].words[0])
    nowhere = run.request(number, ADDRESS, 8)
    result = run.run()
    found = result.replies[here]
    assert found.words[0] == handle and found.words[2] == replies[own].words[0]
    assert result.replies[nowhere].status == NOT_FOUND


@STRATEGIES
def test_an_object_that_is_pinned_stays(pack, script, linker):
    run, number = begin(script, pack, linker)
    opened = run.request(number, OPEN, 0, data=PLUGIN)
    handle = run.run().replies[opened].words[0]

    run, number = begin(script, pack, linker)
    run.request(number, OPEN, 0, data=PLUGIN)
    pins = struct.pack("<3Q", handle + 8, 0, handle)  # what is no handle is passed over
    held = run.request(number, CLOSE, handle, data=pins + b"rest")
    again = run.request(number, OPEN, 2, data=PLUGIN)
    freed = run.request(number, CLOSE, handle)
    going = run.request(number, OPEN, 0, data=PLUGIN)
    run.request(number, SWEEP)
    gone = run.request(number, CLOSE, handle)
    replies = run.run().replies
    assert replies[held].status == OK and replies[held].words[0] == 0 and not replies[held].data
    assert replies[again].words[0] == handle
    assert replies[freed].words[0] == 1 and len(replies[freed].data) == 24
    assert replies[going].status == NOT_FOUND and b"destructors still run" in replies[going].data
    assert replies[gone].status == NOT_FOUND


@STRATEGIES
def test_refusals_are_explained(pack, script, linker):
    run, number = begin(script, pack, linker)
    absent = run.request(number, OPEN, 0, data=b"libabsent.so\0")
    unloaded = run.request(number, OPEN, 2, data=PLUGIN)
    itself = run.request(number, OPEN, 0, data=b"\0")
    replies = run.run().replies
    assert replies[absent].status == NOT_FOUND and b"libabsent.so" in replies[absent].data
    assert replies[unloaded].status == NOT_FOUND and b"libplugin.so" in replies[unloaded].data
    assert replies[itself].status == OK and replies[itself].words[0]


def test_where_pages_move_nothing_can_be_opened(pack, script):
    run = script().image(pack("loader")).add("moves").begin()
    run.request(6, START, data=PROGRAM.encode())
    rows = [run.request(7, operation, data=PLUGIN) for operation in (OPEN, CLOSE, SWEEP, SYMBOL, ADDRESS)]
    replies = run.run().replies
    assert replies[1].status == OK and [replies[row].status for row in rows] == [INVALID] * 5


def test_an_interpreter_s_list_is_found_when_it_is_written(pack, script):
    archive, packed = pack("interp"), pack("pack")
    block, address, low = block_of(packed, PROGRAM)
    blank = bytes(len(block))
    run = script().image(archive).process(index(archive, "audit"), *block_of(packed, "audit"), before=True)
    run.process(index(archive, PROGRAM), blank, address, low, before=False).begin()
    started = run.request(2, START, data=PROGRAM.encode())
    early = [run.request(3, MODULES, 3, 0), run.request(3, SYMBOL, DEFAULT, 0, data=b"own_data\0")]
    run.write(3, address, block)
    rows = [run.request(3, MODULES, 3, index) for index in range(8)]
    symbol = run.request(3, SYMBOL, DEFAULT, 0, data=b"own_data\0")
    result = run.run()
    assert result.replies[started].words[0] == 3
    assert f"loader: {PROGRAM} started: process 3, which links itself" in result.log
    assert [result.replies[row].status for row in early] == [NOT_FOUND, INVALID]
    assert names_of(result, rows)[0] == PROGRAM and result.replies[symbol].status == OK


def hostile(block, address):
    """Lists that no linker writes: their block says so, and nothing else is believed."""
    link = struct.unpack_from("<Q", block, 8 + 8 + 32 + 8)[0]
    at = link - address + 8  # struct start_link.first
    first = struct.unpack_from("<Q", block, at)[0] - address

    def put(where, value):
        return block[:where] + struct.pack("<Q", value) + block[where + 8 :]

    yield "list outside", put(8 + 8 + 32 + 8, 1 << 40)
    yield "list unaligned", put(8 + 8 + 32 + 8, link + 1)
    yield "list at the end", put(8 + 8 + 32 + 8, address + PAGE_SIZE - 8)
    yield "module outside", put(at, 1 << 63)
    yield "endless", put(first + 24, address + first)
    yield "name outside", put(first + 8, 0)
    yield "name without end", put(first + 8, address + len(block) - 1)[:-1] + b"x"


def test_a_list_is_not_believed(pack, script):
    archive, packed = pack("kernel"), pack("pack")
    block, address, low = block_of(packed, PROGRAM)
    block = block.ljust(-(-len(block) // PAGE_SIZE) * PAGE_SIZE, b"\1")
    for what, bad in hostile(block, address):
        run = script().image(archive).process(index(archive, PROGRAM), bad, address, low, before=True).begin()
        rows = [run.request(2, MODULES, 2, index) for index in range(40)]
        symbol = run.request(2, SYMBOL, DEFAULT, 0, data=b"own_data\0")
        opened = run.request(2, OPEN, 0, data=PLUGIN)
        result = run.run()
        assert len(names_of(result, rows)) <= 40, what
        assert {result.replies[row].status for row in (symbol, opened)} <= {INVALID, NOT_FOUND}, what
