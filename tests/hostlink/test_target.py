"""What a linked address space holds, in each mode of its host: the slots, their protection, the list of modules."""

import ctypes

import pytest

from .conftest import HANDLES_OFFSET, LINK_OFFSET, READ, READ_EXECUTE, READ_WRITE, Host, Mode

MODES = list(Mode)
SHARING = [Mode.STAGES, Mode.LIVES_THERE]


@pytest.mark.parametrize("mode", MODES)
def test_a_program_starts(library, files, mode, address):
    host = Host(library, files, mode)
    assert host.start() and host.sound()
    bases = host.modules()
    assert list(bases) == ["program", *(f"lib{n}.so" for n in range(10))]
    table = host.slots(address(host, "program", "table"), 20)
    for number in range(10):
        data, text = table[2 * number], table[2 * number + 1]
        assert data == address(host, f"lib{number}.so", f"data{number}")
        assert host.slots(data, 1)[0] & 0xFFFFFFFF == number and host.prot(data) == READ_WRITE
        assert host.text(host.slots(text, 1)[0]) == f"text {number}"
    host.call("host_end_all")
    assert host.sound()


@pytest.mark.parametrize("mode", MODES)
def test_protection(library, files, mode, address):
    """Code is executable, the stack is writable; constants, RELRO and the start block are read-only."""
    host = Host(library, files, mode)
    assert host.start()
    assert host.prot(address(host, "program", "_start")) == READ_EXECUTE
    assert host.prot(host.slots(address(host, "lib0.so", "text0"), 1)[0]) == READ
    assert host.prot(address(host, "program", "table")) == READ
    assert host.prot(address(host, "program", "written")) == READ_WRITE
    assert host.prot(host.stack) == READ_WRITE
    if mode is not Mode.LIVES_THERE:
        assert host.prot(host.block) == READ
    else:
        # The linker that lives there writes it until it goes.
        assert host.prot(host.block) == READ_WRITE
        host.call("host_end")
        assert host.prot(host.block) == READ
    assert host.sound()


@pytest.mark.parametrize("mode", MODES)
def test_the_stack(library, files, mode):
    host = Host(library, files, mode)
    assert host.start()
    count, *arguments, end, no_environment, at_phdr = host.slots(host.stack, 7)
    assert (count, end, no_environment, at_phdr) == (3, 0, 0, 3) and host.stack % 16 == 0
    assert [host.text(each) for each in arguments] == ["program", "one", "two"]
    assert host.slots(host.block + HANDLES_OFFSET, 1)[0] & 0xFFFFFFFF == 77  # what the host wrote before it was mapped


@pytest.mark.parametrize("mode", SHARING)
def test_objects_come_and_go(library, files, mode, address):
    host = Host(library, files, mode)
    assert host.start()
    started, names = host.alive(), list(host.modules())
    handle = host.open("libplugin.so")
    assert handle and list(host.modules()) == [*names, "libplugin.so", "libextra.so"]
    extra, data = host.slots(address(host, "libplugin.so", "found"), 2)
    assert data == address(host, "lib3.so", "data3") and extra == address(host, "libextra.so", "extra")
    assert host.prot(address(host, "libplugin.so", "found")) == READ
    assert host.open("libplugin.so") == handle
    assert host.call("host_close", ctypes.c_uint64(handle)) == 0
    assert host.call("host_close", ctypes.c_uint64(handle)) == 1
    host.call("host_sweep")
    # What closing needs for a short time stays until the next call.
    assert host.alive()[1:] == started[1:] and list(host.modules()) == names and host.sound()
    assert host.open("libextra.so") and list(host.modules()) == [*names, "libextra.so"]


@pytest.mark.parametrize("mode", SHARING)
def test_an_open_that_is_given_up(library, files, mode):
    host = Host(library, files, mode)
    assert host.start()
    started, names = host.alive(), host.modules()
    assert host.call("host_open_and_abandon", b"libplugin.so") == 1
    assert host.alive()[1:] == started[1:] and host.modules() == names and host.sound()


def test_nothing_opens_where_pages_move(library, files):
    host = Host(library, files, Mode.MOVES)
    assert host.start() and host.record.stagings == 0
    host.call("host_end_all")
    assert host.alive() == (0, 0, 0, 0) and host.sound()


def test_linked_elsewhere(library, files, address):
    """An adopted program is linked once more at its addresses; what it then opens is bound to it."""
    host = Host(library, files, Mode.STAGES)
    assert host.start()
    before, names, mapped = host.modules(), list(host.modules()), host.record.mappings
    assert host.call("host_adopt", ctypes.c_uint64(host.block)) == 1
    assert host.call("host_relink") == 1 and host.sound()
    assert host.modules() == before and host.record.mappings == mapped and host.record.stagings == 1
    handle = host.open("libplugin.so")
    assert handle and list(host.modules()) == [*names, "libplugin.so", "libextra.so"]
    assert host.slots(address(host, "libplugin.so", "found"), 2)[1] == address(host, "lib3.so", "data3")
    host.call("host_end_all")
    assert host.alive() == (0, 0, 0, 0) and host.sound()


def test_a_list_of_other_files_is_refused(library, files):
    host = Host(library, files, Mode.STAGES)
    assert host.start()
    (link,) = host.slots(host.block + LINK_OFFSET, 1)
    program = host.slots(link, 2)[1]
    second = host.slots(program, 4)[3]
    mapped = host.record.mappings
    assert host.call("host_adopt", ctypes.c_uint64(host.block)) == 1
    # The program leaves its first library out.
    host.call("host_write", ctypes.c_uint64(program + 24), ctypes.c_uint64(host.slots(second, 4)[3]))
    assert host.call("host_relink") == 0 and host.record.message
    host.call("host_write", ctypes.c_uint64(program + 24), ctypes.c_uint64(program))
    assert host.call("host_relink") == 0 and host.record.mappings == mapped and host.sound()
    host.call("host_write", ctypes.c_uint64(program + 24), ctypes.c_uint64(second))
    assert host.call("host_relink") == 1 and host.sound()
