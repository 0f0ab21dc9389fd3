"""Damaged ELF files, each by a recipe that can be written down: changes of fields by name, and of the file as a whole.

DT_RELASZ=0x7               the value of a field (fields.py)
cut=200                     only the first bytes
zero=64+100  noise=64+100   zeros or random bytes from an offset on
more=5000                   zeros behind the end
rubbish=200                 random bytes behind the ELF magic
"""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.elf.fields import Fields

KINDS = ["header", "segments", "sections", "dynamic", "dynamic", "symbols", "symtab", "strings", "relocations"]
KINDS += ["versions", "hash", "notes"]
SHAPES = ("cut", "zero", "noise", "more", "rubbish")
POWERS = [1 << bit for bit in (7, 8, 12, 15, 16, 20, 28, 30, 31, 32, 40, 46, 47, 48, 63)]


@lru_cache(maxsize=64)
def fields_of(path: Path) -> Fields:
    return Fields(path.read_bytes())


@dataclass(frozen=True)
class Recipe:
    changes: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.changes)

    @classmethod
    def parse(cls, text: str) -> "Recipe":
        pairs = [word.split("=", 1) for word in text.split()]
        return cls(tuple((name, value) for name, value in pairs))

    def apply(self, base: Path) -> bytes | None:
        """None where the base has no such field: it was built otherwise."""
        fields = fields_of(base)
        data = bytearray(fields.data)
        for name, value in self.changes:
            if name in SHAPES:
                _shape(data, name, value)
                continue
            field = fields.at.get(name)
            if field is None:
                return None
            if field.offset + field.size <= len(data):
                number = int(value, 0) % (1 << 8 * field.size)
                data[field.offset : field.offset + field.size] = number.to_bytes(field.size, "little")
        return bytes(data)


def _shape(data: bytearray, name: str, value: str) -> None:
    if name == "cut":
        del data[int(value) :]
    elif name == "more":
        data += bytes(int(value))
    elif name == "rubbish":
        data[:] = b"\x7fELF\x02\x01\x01" + random.Random(value).randbytes(int(value))
    else:
        at, size = map(int, value.split("+"))
        size = max(0, min(size, len(data) - at))
        data[at : at + size] = bytes(size) if name == "zero" else random.Random(value).randbytes(size)


def _value(chosen: random.Random, fields: Fields, kind: str, name: str) -> int:
    field = fields.at[name]
    old = int.from_bytes(fields.data[field.offset : field.offset + field.size], "little")
    match chosen.randrange(9):
        case 0:
            return 0
        case 1:
            return chosen.randrange(64)
        case 2:
            return old + chosen.choice((-4096, -16, -8, -1, 1, 7, 8, 16, 4096))
        case 3:
            return chosen.choice(POWERS) - chosen.choice((0, 0, 1, 8))
        case 4:
            return -chosen.choice((1, 1, 2, 8, 24, 4096))
        case 5:
            return old ^ 1 << chosen.randrange(8 * field.size)
        case 6:
            return len(fields.data) - chosen.choice((0, 1, 4, 8, 16, 24, 64, 4096))
        case 7:  # what another field of its kind has
            other = fields.at[chosen.choice(fields.by_kind[kind])]
            return int.from_bytes(fields.data[other.offset : other.offset + other.size], "little")
        case _:
            return chosen.getrandbits(8 * field.size)


def draw(chosen: random.Random, base: Path) -> Recipe:
    fields = fields_of(base)
    size = len(fields.data)
    if chosen.randrange(12) == 0:
        shape = chosen.choice(SHAPES)
        if shape in ("zero", "noise"):
            at = chosen.randrange(chosen.choice((1024, size)))
            return Recipe(((shape, f"{at}+{1 << chosen.randrange(16)}"),))
        number = chosen.randrange({"cut": size, "more": 1 << 16, "rubbish": 2000}[shape])
        return Recipe(((shape, str(number if chosen.randrange(3) else min(number, 300))),))
    changes = []
    for _ in range(chosen.choice((1, 1, 1, 2, 2, 3, 5))):
        kind = chosen.choice([each for each in KINDS if fields.by_kind.get(each)])
        name = chosen.choice(fields.by_kind[kind])
        changes.append((name, hex(_value(chosen, fields, kind, name) % (1 << 8 * fields.at[name].size))))
    return Recipe(tuple(changes))
