"""Small guests in the bundled emulator, run to every instruction; prints what was seen.

test_emulator_native.py compares what it prints with the native helper and without."""

import os
import threading

from ambilink.machine.emulator.cpu import Cpu  # before Unicorn
from ambilink.machine.memory import allocate

import unicorn  # isort: skip

CODE, STACK, TABLES, DATA, GATES = 0x10000, 0x20000, 0x1000, 0x30000, 0x40000
PORT = 0x80
VOID = 0x8000000  # mapped by the tables, no memory

# Branches, a load and a store, a repeated move, a call, and at the end hlt.
LOOP = bytes.fromhex(
    "b905000000"  # 00 mov ecx, 5
    "48c7c700000300"  # 05 mov rdi, DATA
    "48ff07"  # 0c inc qword [rdi]
    "488b07"  # 0f mov rax, [rdi]
    "a801"  # 12 test al, 1
    "7403"  # 14 jz 19
    "4801c3"  # 16 add rbx, rax
    "e80e000000"  # 19 call 2c
    "ffc9"  # 1e dec ecx
    "75ea"  # 20 jnz 0c
    "f4"  # 22 hlt
    "90909090909090"
    "9090"
    "5157b903000000488d7710f3a45f59c3"  # 2c push rcx, rdi; mov ecx, 3; lea rsi, [rdi+16]; rep movsb; pop; pop; ret
)
# It writes over its next instruction: mov byte [rip+1], 0x42; mov al, 0; hlt.
SELF = bytes.fromhex("c6050100000042b000f4")
# Ports: mov al, 7; out PORT, al; inc ebx; in al, PORT; inc ebx; outsb; inc ebx; hlt.
PORTS = bytes.fromhex("b007e680ffc3e480ffc3be00000300ba800000006effc3f4")
# An address with nothing behind it: mov rax, VOID; inc ebx; mov rcx, [rax]; inc ebx; hlt.
NOTHING = bytes.fromhex("48c7c000000008ffc3488b08ffc3f4")
# Interrupts are let in late: inc ebx x3; sti; inc ebx; inc ebx; hlt.
LATE = bytes.fromhex("ffc3ffc3ffc3fbffc3ffc3f4")


class Guest:
    def __init__(self, code: bytes) -> None:
        self.memory = allocate(2 << 20)
        self.seen: list[object] = []
        self.pauses = False
        self.cpu = Cpu(self.memory, self.read, self.write)
        for level in range(2):
            self.memory.write(TABLES + level * 0x1000, (TABLES + 0x1003 + level * 0x1000).to_bytes(8, "little"))
        for index in range(512):
            self.memory.write(TABLES + 0x2000 + 8 * index, (index << 21 | 0x83).to_bytes(8, "little"))
        self.memory.write(CODE, code)
        self.cpu.enter_long_mode(CODE, 0, TABLES)
        self.cpu.context.registers[4] = STACK
        self.cpu.context.restore()

    def read(self, port: int, size: int) -> int:
        self.seen.append(("in", port, self.cpu.now()))
        if self.pauses:
            self.cpu.pause()
        return 0x33

    def write(self, port: int, size: int, value: int) -> None:
        self.seen.append(("out", port, value, self.cpu.now()))
        if self.pauses:
            self.cpu.pause()

    def state(self) -> tuple[object, ...]:
        self.cpu.context.save()
        registers = tuple(self.cpu.context.registers)
        return hex(self.cpu.rip - CODE), registers, hex(self.cpu.flags & 0xAD5), self.cpu.halted

    def run(self, limit: int, waits: bool = False) -> tuple[object, ...]:
        try:
            executed = self.cpu.run(limit, waits, 1000)
        except unicorn.UcError as error:
            return (str(error), *self.state())
        return executed, *self.state()


def every_limit() -> None:
    """A run to the N-th instruction is there, and so is one step after the other."""
    steps = Guest(LOOP)
    for limit in range(1, 200):
        whole = Guest(LOOP).run(limit)
        single = steps.run(1)
        assert whole[1:] == single[1:], (limit, whole, single)
        if limit % 10 == 0:
            print(limit, whole)
        if steps.cpu.halted:
            print("halts", limit, whole)
            return
    raise AssertionError("no end")


def parts() -> None:
    """However a run is cut, it goes the same way."""
    for part in (2, 3, 7, 1000):
        guest, total = Guest(LOOP), 0
        while not guest.cpu.halted:
            total += int(str(guest.run(part)[0]))
        print(part, total, guest.state())


def ports() -> None:
    guest = Guest(PORTS)
    print(guest.run(1000), guest.seen)
    guest = Guest(PORTS)
    guest.pauses = True
    while not guest.cpu.halted:
        print(guest.run(1000))
    print(guest.seen)


def machines() -> None:
    """Several at once: in turn, and each in a thread."""
    guests = [Guest(LOOP) for _ in range(3)]
    for _ in range(10):
        for number, guest in enumerate(guests):
            guest.run(number + 1)
    print([guest.state() for guest in guests])
    guests = [Guest(LOOP) for _ in range(4)]
    threads = [threading.Thread(target=guest.run, args=(77,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({guest.state() for guest in guests}) == 1
    print(guests[0].state())


def forked() -> None:
    guest = Guest(LOOP)
    guest.run(20)
    child = os.fork()
    if child == 0:
        guest.run(20)
        os._exit(0 if guest.state() == after(40) else 1)
    assert os.waitpid(child, 0)[1] == 0
    guest.run(20)
    assert guest.state() == after(40)


def after(limit: int) -> tuple[object, ...]:
    guest = Guest(LOOP)
    guest.run(limit)
    return guest.state()


def main() -> None:
    every_limit()
    parts()
    ports()
    whole, steps = Guest(SELF), Guest(SELF)
    counted = whole.run(1000)[0], sum(int(str(steps.run(1)[0])) for _ in range(3))
    assert counted == (3, 3) or os.environ.get("AMBILINK_EMULATOR") == "python", counted  # which counts it twice
    print("self", whole.state())
    print("nothing", Guest(NOTHING).run(1000))
    print("late", Guest(LATE).run(1000, True), Guest(LATE).run(3, True))
    machines()
    forked()


main()
