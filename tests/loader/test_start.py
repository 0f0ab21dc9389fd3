"""Starting services: what is mapped, and what is reported to clients of processes."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ambilink.bootimage import layout
from ambilink.bootimage.layout import PAGE_SIZE, FileKind
from ambilink.bootimage.start_block import link_at
from ambilink.link.module import Module
from ambilink.link.relocate import slots_of

from .script import (
    AWAIT,
    DESCRIBE,
    EXECUTE,
    GIVEN,
    GONE,
    INVALID,
    LIMIT,
    MODULES,
    NO_RIGHT,
    NOT_FOUND,
    OK,
    OPEN,
    OVERLAP,
    PROCESS,
    READ,
    REGISTER,
    SIGNAL,
    START,
    STOP,
    UNREGISTER,
    WAIT,
    WRITE,
)

pytestmark = pytest.mark.tools

NAMES = ["names", "console", "files", "greet", "audit"]
NUMBER = {name: number for number, name in enumerate(NAMES, 2)}
DT_DEBUG = (21).to_bytes(8, "little")
MODULE = struct.Struct("<4Q64s")


def module_rows(script, number, count):
    return [script.request(6, MODULES, number, index) for index in range(count)]


def described(reply):
    base, size, read_only, writable, name = MODULE.unpack(reply.data)
    return name.split(b"\0")[0].decode(), base, size, read_only, writable


def images(archive, program):
    """The closure of a program, breadth first, as the model reads it."""
    found = {program: Module(program, Path(program), archive.contents(archive.file(program)))}
    order = [found[program]]
    for image in order:
        for soname in image.needed_names:
            if soname not in found:
                name = f"lib/{soname}"
                found[soname] = Module(soname, Path(name), archive.contents(archive.file(name)))
                order.append(found[soname])
        image.needed = [found[soname] for soname in image.needed_names]
    return order


def at(pages, address, size):
    first = address & -PAGE_SIZE
    data = b"".join(pages[page][1] for page in range(first, address + size, PAGE_SIZE))
    return data[address - first :][:size]


@pytest.mark.parametrize("linker", ["loader", "pack"])
@pytest.mark.parametrize("moves", [False, True], ids=["shared", "moved"])
def test_every_byte_is_the_model_s(pack, script, linker, moves):
    archive = pack(linker)
    run = script().image(archive).add(*(["moves"] if moves else [])).begin()
    dumps = {name: run.dump(NUMBER[name]) for name in NAMES}
    # A system that moves pages cannot look at the list of what another linker linked.
    known = not (moves and linker == "pack")
    rows = {name: module_rows(run, NUMBER[name], 10) for name in NAMES} if known else {}
    result = run.run()
    program = {service.name: service.file for service in archive.services}
    for name in NAMES if known else []:
        replies = [result.replies[row] for row in rows[name]]
        found = [described(reply) for reply in replies if reply.status == OK]
        closure = images(archive, program[name])
        assert [row[0].split("/")[-1] for row in found] == [image.name.split("/")[-1] for image in closure]
        linked = link_at(closure, [row[1] for row in found])
        pages = result.pages(dumps[name])
        for image, (_, base, size, read_only, writable) in zip(closure, found, strict=True):
            check_object(image, base, pages, size, read_only, writable)
            assert all(at(pages, base + where, len(word)) == word for where, word in slots_of(image))
        assert not linked.ifuncs
        assert not [address for address, (prot, _) in pages.items() if prot & WRITE and prot & EXECUTE]
    assert result.log == [
        f"loader: {name} started: process {NUMBER[name]}, {len(images(archive, program[name]))} objects"
        for name in NAMES
    ]
    assert [row[0] for row in result.rows("thread")] == [str(NUMBER[name]) for name in NAMES]


def check_object(image, base, pages, size, read_only, writable):
    """What no relocation touched is as in the file; sizes are those of its segments."""
    touched = {base + where + byte for where, word in slots_of(image) for byte in range(len(word))}
    sums = {False: 0, True: 0}
    for segment in image.loads:
        is_writable = bool(segment.flags & 2)
        first = segment.address & -PAGE_SIZE
        sums[is_writable] += layout.round_up(segment.address + segment.memory_size) - first
        expected = image.data[segment.offset : segment.offset + segment.file_size]
        found = at(pages, base + segment.address, segment.file_size)
        for index, (want, have) in enumerate(zip(expected, found, strict=True)) if expected != found else ():
            # The linker writes DT_DEBUG's value.
            tag = expected[index - index % 8 - 8 :][:8]
            assert want == have or base + segment.address + index in touched or tag == DT_DEBUG
        prot = pages[(base + segment.address) & -PAGE_SIZE][0]
        assert prot & READ and bool(prot & EXECUTE) == bool(segment.flags & 1) and (is_writable or not prot & WRITE)
    assert (read_only, writable) == (sums[False], sums[True])
    assert size == layout.round_up(image.high - image.low) or size == image.high - image.low


def test_authority_is_what_the_manifest_grants(pack, script):
    result = script().image(pack("loader")).begin().run()
    granted = {}
    for number, authority in result.rows("grant"):
        granted.setdefault(int(number), []).append(int(authority))
    own, loader, names, serve, log, image = range(6)
    assert granted[NUMBER["names"]] == [own, loader, serve, log]
    assert granted[NUMBER["console"]] == [own, loader, names, log]
    assert granted[NUMBER["files"]] == [own, loader, names, image]
    assert granted[NUMBER["greet"]] == [own, loader, names]
    assert result.lines.index("booted") > result.lines.index("log loader: audit started: process 6, 7 objects")


def test_clients_ask_for_processes(pack, script):
    run = script().image(pack("loader")).begin()
    rows = [run.request(5, PROCESS, index) for index in (0, 4, 5)]
    unknown = run.request(5, 77)
    unknown_caller = run.request(99, OPEN, data=b"libc.so\0")
    gone = run.request(6, MODULES, 99, 0)
    replies = run.run().replies
    assert replies[rows[0]].words[0] == 2 and replies[rows[0]].data.rstrip(b"\0") == b"names"
    assert replies[rows[1]].words[0] == 6 and replies[rows[1]].data.rstrip(b"\0") == b"audit"
    assert replies[rows[2]].status == replies[gone].status == NOT_FOUND
    assert replies[unknown].status == replies[unknown_caller].status == INVALID


@pytest.mark.parametrize("linker", ["loader", "pack"])
def test_started_by_name_ended_and_waited_for(pack, script, linker):
    run = script().image(pack(linker)).begin()
    first = run.request(6, START, data=b"fortune")
    waits = [run.request(6, WAIT, 7) for _ in range(17)]
    modules = run.request(6, MODULES, 7, 0)
    run.add("ended 7 12")
    late = run.request(6, WAIT, 7)
    after = run.request(6, MODULES, 7, 1)
    second = run.request(6, START, data=b"fortune")
    run.add("faulted 8 -10", "faulted 8 -10", "ended 99 0")
    crashed = run.request(6, WAIT, 8)
    absent = run.request(6, START, data=b"nothing")
    waiting = run.request(6, WAIT, 5)
    unknown = run.request(6, WAIT, 99)
    result = run.run()
    replies = result.replies
    assert replies[first].words[0] == 7 and replies[second].words[0] == 8
    assert [replies[row].status for row in waits] == [OK] * 16 + [LIMIT]
    assert all(replies[row].words[:2] == (1, 12) for row in (*waits[:16], late))
    assert described(replies[modules])[0].endswith("fortune") and described(replies[after])[0].startswith("lib")
    assert replies[crashed].words[0] == 2 and replies[crashed].words[1] == (1 << 64) - 10
    assert replies[absent].status == replies[unknown].status == NOT_FOUND
    assert replies[waiting].status == GONE  # the loader went first
    assert result.rows("close")[:2] == [["7"], ["8"]]


def test_what_the_manifest_does_not_allow(pack, script):
    """The caller is known by the number that came with the request; others' names, services, addresses are refused."""
    run = script().image(pack("loader")).begin()
    registry, greet, audit = NUMBER["names"], NUMBER["greet"], NUMBER["audit"]
    refused = [
        run.request(99, START, data=b"fortune"),  # of no process that is known
        run.request(audit, START, data=b"names"),  # a second registry
        run.request(greet, MODULES, audit, 0),
        run.request(99, MODULES, audit, 0),
        run.request(greet, STOP, audit),
        run.request(greet, REGISTER, greet, 0, data=b"greet"),  # what the registry alone asks
        run.request(99, UNREGISTER, data=b"console"),
        run.request(registry, REGISTER, greet, 0, data=b"console"),  # another one's name
        run.request(registry, REGISTER, greet, 0),
        run.request(registry, REGISTER, 99, 0, data=b"greet"),
    ]
    own = run.request(greet, MODULES, greet, 0)
    for _ in range(20):
        refused.append(run.request(greet, START, data=b"names"))
    result = run.run()
    assert {result.replies[row].status for row in refused} == {NO_RIGHT} and result.replies[own].status == OK
    assert "loader: audit may not start names: it is started once, when the system boots" in result.log
    assert "loader: greet may not register 'console': the manifest does not say registers = [\"console\"]" in result.log
    assert sum("greet may not" in line for line in result.log) == 4  # the log is not filled


def test_who_may_register_and_who_waits(pack, script):
    """A name is that of one running process, and a client's requests that wait are bounded."""
    run = script().image(pack("loader")).begin()
    registry, console, greet, audit = (NUMBER[name] for name in ("names", "console", "greet", "audit"))
    early = [run.request(number, AWAIT, data=b"console") for number in (greet, audit)]
    first = run.request(registry, REGISTER, console, 0, data=b"console")
    late = run.request(greet, AWAIT, data=b"console")
    taken = run.request(registry, REGISTER, console, 0, data=b"console")
    dead = run.request(registry, REGISTER, console, 1, data=b"console")
    unknown = [run.request(greet, AWAIT, data=data) for data in (b"nothing", b"", b"x" * 40)]
    run.request(registry, UNREGISTER, data=b"console")
    waits = [run.request(greet, AWAIT, data=b"console") for _ in range(17)]
    other = run.request(audit, AWAIT, data=b"console")
    run.add(f"ended {greet} 0")
    again = run.request(registry, REGISTER, console, 0, data=b"console")
    result = run.run()
    status = {row: reply.status for row, reply in result.replies.items()}
    assert [status[row] for row in (*early, first, late, dead, other, again)] == [OK] * 7
    assert status[taken] == OVERLAP and [status[row] for row in unknown] == [NOT_FOUND] * 3
    assert [status[row] for row in waits] == [GONE] * 16 + [LIMIT]
    assert "loader: greet (process 5) waited for 'nothing', which no service will register" in result.log


@pytest.mark.parametrize("end", ["ended {} 1", "faulted {} -10"])
def test_who_waits_learns_that_no_service_will_come(pack, script, end):
    archive = pack("loader")
    services = [replace(each, starts=("fortune",) if each.name == "audit" else ()) for each in archive.services]
    run = script().image(rebuilt(archive, services=services)).begin()
    console, files, greet, audit = (NUMBER[name] for name in ("console", "files", "greet", "audit"))
    waits = [run.request(greet, AWAIT, data=data) for data in (b"files", b"fortune", b"console")]
    never = run.request(greet, AWAIT, data=b"test-dynamic")  # on demand, and no service may start it
    run.add(end.format(files))
    late = run.request(console, AWAIT, data=b"files")
    run.add("books", end.format(audit))
    result = run.run()
    status = {row: reply.status for row, reply in result.replies.items()}
    assert {status[row] for row in (*waits, never, late)} == {GONE}
    order = [row[0] for row in result.rows("reply")]
    assert order == [str(row) for row in (never, waits[0], late, waits[1], waits[2])]
    waited = [line for line in result.log if "waited for" in line]
    assert waited == [
        f"loader: {name} waited for '{what}', which no service will register"
        for name, what in (
            ("greet (process 5)", "test-dynamic"),
            ("greet (process 5)", "files"),
            ("console (process 3)", "files"),
            ("greet (process 5)", "fortune"),
        )
    ]


def test_any_end_is_answered_once_to_the_starter(pack, script):
    run = script().image(pack("loader")).begin()
    none = run.request(6, WAIT, 0)
    for _ in range(3):
        run.request(6, START, data=b"fortune")
    run.add("ended 8 5")
    first, second = run.request(6, WAIT, 0), run.request(6, WAIT, 0)
    run.add("signalled 7 9", "faulted 9 -10")
    third, fourth = run.request(6, WAIT, 0), run.request(6, WAIT, 0)
    other = run.request(5, WAIT, 0)
    replies = run.run().replies
    assert [replies[row].words[:3] for row in (first, second, third)] == [(1, 5, 8), (4, 9, 7), (2, (1 << 64) - 10, 9)]
    assert {replies[row].status for row in (none, fourth, other)} == {NOT_FOUND}


def test_signals_go_to_oneself_and_to_what_one_started(pack, script):
    run = script().image(pack("loader")).begin()
    run.request(6, START, data=b"fortune")
    good = [run.request(6, SIGNAL, number, 15) for number in (6, 7)]
    refused = [run.request(client, SIGNAL, number, 9) for client, number in ((5, 7), (7, 6), (6, 5), (5, 2))]
    wrong = run.request(6, SIGNAL, 7, 65)
    unknown = run.request(6, SIGNAL, 99, 9)
    described = run.request(5, DESCRIBE, 7)
    run.add("ended 7 0")
    gone = run.request(6, SIGNAL, 7, 9)
    given = run.request(6, GIVEN)
    result = run.run()
    status = {row: reply.status for row, reply in result.replies.items()}
    assert [status[row] for row in good] == [OK] * 2 and {status[row] for row in refused} == {NO_RIGHT}
    assert (status[wrong], status[unknown], status[gone], status[given]) == (INVALID, NOT_FOUND, GONE, NOT_FOUND)
    assert [(row[1], row[2]) for row in result.rows("signal")] == [("15", "6"), ("15", "6"), ("65", "6")]
    assert result.replies[described].words[3] == 6


def test_what_a_client_started_is_bounded(pack, script):
    """64 that run, 16 that ended and are remembered, of each client; nothing of a client that ended."""
    run = script().image(pack("loader")).begin()
    started = [run.request(6, START, data=b"fortune") for _ in range(65)]
    other = run.request(5, START, data=b"fortune")
    for number in range(7, 71):
        run.add(f"ended {number} 3")
    more = [run.request(6, START, data=b"fortune") for _ in range(40)]
    for number in range(72, 112):
        run.add(f"ended {number} 4")
    last = run.request(6, START, data=b"fortune")
    late = [run.request(6, WAIT, number) for number in (7, 95, 96, 97, 111, 71)]
    run.add("ended 6 0")
    after = [run.request(5, WAIT, number) for number in (111, 112)]
    result = run.run()
    status = {row: reply.status for row, reply in result.replies.items()}
    assert [status[row] for row in started] == [OK] * 64 + [LIMIT]
    assert {status[row] for row in (*more, other, last)} == {OK}
    assert [status[row] for row in late] == [NOT_FOUND, NOT_FOUND, OK, OK, OK, GONE]
    assert [status[row] for row in after] == [NOT_FOUND, GONE]


def test_the_verdict(pack, script):
    archive = pack("loader")
    good = script().image(archive).begin().add("ended 5 0", "ended 6 0").run()
    assert good.log[-1] == "loader: every program of the manifest ended: passed" and good.lines[-7] == "verdict passed"
    bad = script().image(archive).begin().add("ended 5 3", "ended 6 0").run()
    assert "loader: greet exited, status 3" in bad.log and ["failed"] in bad.rows("verdict")
    daemon = script().image(archive).begin().add("faulted 2 -10", "ended 5 0", "ended 6 0").run()
    assert "loader: names was ended for a fault, status -10" in daemon.log and ["failed"] in daemon.rows("verdict")
    waits = script().image(archive).begin().add("ended 5 0").run()
    assert waits.rows("verdict") == []


def altered(archive, name, change):
    contents = {}
    for file in archive.files:
        data = archive.contents(file)
        contents[file.name] = (FileKind(file.kind), change(data) if file.name == name else data)
    return layout.parse(layout.build(contents, archive.services, archive.loader, archive.loader_linker), "altered")


def rebuilt(archive, services):
    contents = {file.name: (FileKind(file.kind), archive.contents(file)) for file in archive.files}
    return layout.parse(layout.build(contents, services, archive.loader, archive.loader_linker), "rebuilt")


def damage(archive, name):
    """The file alone, its checksum not; a byte that no linker reads (EI_PAD)."""
    data = bytearray(archive.data)
    data[archive.file(name).offset + 15] ^= 1
    return replace(archive, data=bytes(data))


def test_a_damaged_file_is_refused(pack, script):
    archive = damage(pack("loader"), "lib/libdigest.so")
    result = script().image(archive).begin().add("ended 5 0").run()
    assert "loader: lib/libdigest.so is damaged: the boot image was altered" in result.log
    assert any("audit" in line and "libdigest.so" in line for line in result.log)
    assert result.rows("verdict") == [["failed"]] and len(result.rows("thread")) == 4  # audit is not
    trusted = script().image(archive).add("trusted").begin().run()  # the system says that it looked
    assert len(trusted.rows("thread")) == 5


@pytest.mark.parametrize(
    ("at", "value"), [(0, b"X"), (8 * 10, b"\xff\xff\xff\x7f"), (8 * 7, b"\xff" * 8), (8 * 9, b"\xff" * 8)]
)
def test_a_packed_record_that_cannot_be_used(pack, script, at, value):
    archive = altered(pack("pack"), "pack/greet", lambda data: data[:at] + value + data[at + len(value) :])
    result = script().image(archive).begin().add("ended 6 0").run()
    assert "loader: greet: pack/greet cannot be used: pack the image again" in result.log
    assert result.rows("verdict") == [["failed"]] and len(result.rows("thread")) == 4


def test_no_image(script, policy, tmp_path, pack):
    archive = replace(pack("loader"), data=b"\0" * 8192)
    result = script().image(archive).begin().run(status=1)
    assert result.log == ["loader: no archive magic"] and result.rows("verdict") == [["failed"]]
