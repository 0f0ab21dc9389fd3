"""The loader service's policy on the development machine: port/ is its other side (script.c: what a script can do)."""

import re
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.bootimage.layout import PAGE_SIZE, Archive

START, WAIT, MODULES, PROCESS, OPEN, CLOSE, SWEEP, SYMBOL, ADDRESS, STOP, SERVICE, DESCRIBE = range(1, 13)
REGISTER, UNREGISTER, AWAIT = range(13, 16)
SIGNAL, GIVEN = 17, 18
OK, INVALID, NO_RIGHT, NO_MEMORY, OVERLAP, GONE, LIMIT, NOT_FOUND = 0, -1, -3, -4, -6, -7, -8, -11
READ, WRITE, EXECUTE = 1, 2, 4
NOTHING = "books spaces 0 memories 0 pages 0 blocks 0 bytes 0 replies 0"

NAMES = ("rtld", "hostlink", "bootimage", "imagetree", "digest", "ipc")
FOLDERS = ("services/loader", "boot/include", *(f"libs/{name}/include" for name in NAMES))
LIBRARIES = (
    "libs/rtld/src/*.c",
    "libs/hostlink/src/*.c",
    "libs/bootimage/src/*.c",
    "libs/imagetree/src/*.c",
    "libs/digest/src/checksum.c",
)
CHECKED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


def build(top: Path, folder: Path) -> Path:
    """The policy with the port of the development machine: checked by sanitizers where a compiler here has them."""
    patterns = ("services/loader/*.c", *LIBRARIES, "tests/loader/port/*.c")
    sources = [path for pattern in patterns for path in sorted(top.glob(pattern))]
    flags = ["-std=gnu17", "-g", "-O1", "-fno-omit-frame-pointer", *(f"-I{top / each}" for each in FOLDERS)]
    program = folder / "loader"
    compilers = [[name, *CHECKED] for name in ("gcc", "clang") if shutil.which(name)]
    errors = ""
    for compiler in [*compilers, [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl"]]:
        done = subprocess.run([*compiler, *flags, "-o", program, *sources], capture_output=True, text=True)
        if done.returncode == 0:
            return program
        errors += done.stderr
    raise AssertionError(errors)


@dataclass(frozen=True)
class Reply:
    status: int
    words: tuple[int, ...]  # from word 1 on
    data: bytes


@dataclass
class Result:
    lines: list[str]
    dumps: dict[str, Path]

    def rows(self, word: str) -> list[list[str]]:
        return [line.split(" ")[1:] for line in self.lines if line.startswith(f"{word} ")]

    @property
    def log(self) -> list[str]:
        return [line.removeprefix("log ") for line in self.lines if line.startswith("log ")]

    @property
    def replies(self) -> dict[int, Reply]:
        """By the number of the request, from 1 on."""
        found = {}
        for number, status, *words, data in self.rows("reply"):
            contents = b"" if data == "-" else bytes.fromhex(data)
            found[int(number)] = Reply(int(status), tuple(int(word, 16) for word in words), contents)
        return found

    @property
    def books(self) -> list[str]:
        """As they were asked for, then at the end."""
        return [line for line in self.lines if line.startswith("books ")]

    @property
    def injected(self) -> bool:
        return any(line.startswith("injected ") for line in self.lines)

    def pages(self, name: str) -> dict[int, tuple[int, bytes]]:
        """Of a dump: protection and contents by address."""
        data, record = self.dumps[name].read_bytes(), 16 + PAGE_SIZE
        found = {}
        for at in range(0, len(data), record):
            address, prot = struct.unpack_from("<QQ", data, at)
            found[address] = prot, data[at + 16 : at + record]
        return found


@dataclass
class Script:
    program: Path
    folder: Path
    lines: list[str] = field(default_factory=list)
    dumps: dict[str, Path] = field(default_factory=dict)
    requests: int = 0

    def image(self, archive: Archive) -> "Script":
        path = self.folder / "archive"
        path.write_bytes(archive.data)
        return self.add(f"image {path}")

    def add(self, *lines: str) -> "Script":
        self.lines += lines
        return self

    def process(self, service: int, block: bytes | None, address: int, low: int, *, before: bool) -> "Script":
        path = "-"
        if block is not None:
            path = str(self.folder / f"block{len(self.lines)}")
            Path(path).write_bytes(block)
        return self.add(f"process {service} {address:x} {low:x} {path}", *(["before"] if before else []))

    def begin(self, fail: int = 0) -> "Script":
        return self.add(f"fail {fail}", "begin", "fail 0")

    def request(self, sender: int, operation: int, *words: int, data: bytes = b"") -> int:
        """The number of the request, by which its reply is found."""
        self.requests += 1
        self.add(f"request {sender} {data.hex() or '-'} {operation:x} {' '.join(f'{word:x}' for word in words)}")
        return self.requests

    def dump(self, number: int) -> str:
        name = f"{number} {len(self.dumps)}"
        self.dumps[name] = self.folder / f"dump{len(self.dumps)}"
        self.add(f"dump {number} {self.dumps[name]}")
        return name

    def write(self, number: int, address: int, data: bytes) -> "Script":
        for at in range(0, len(data), 1024):
            self.add(f"write {number} {address + at:x} {data[at : at + 1024].hex()}")
        return self

    def run(self, status: int = 0) -> Result:
        """Whatever the script did, no rule of the port was broken, and all was given back in the end."""
        text = "\n".join(self.lines) + "\n"
        done = subprocess.run([self.program], input=text, capture_output=True, text=True, timeout=60)
        result = Result(done.stdout.splitlines(), self.dumps)
        assert done.returncode == status, f"{done.stdout[-3000:]}{done.stderr[-6000:]}"
        assert not [line for line in result.lines if re.match("misuse|left", line)], done.stdout
        assert result.books[-1] == NOTHING, done.stdout
        return result
