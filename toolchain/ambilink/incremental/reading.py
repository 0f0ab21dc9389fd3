"""What build scripts look at by Python itself, beside what they declare: files, folders and environment variables.

A script that reads a version from a file, or asks whether a file is there, depends on it, and the build system does
not know. While scripts are read Python's audit events are heard, and functions of `os` that raise none note who asks:
what the standard library or this package looks at for itself is not a script's. What the build system looks at is
noted, too: it does so for scripts (`Variables("custom.py")`, `Dir(...).exists()`, `WhereIs`). Some things cannot be
recorded: programs that a script starts may look at anything, files that it removes would not be removed again."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR
from types import CodeType, FrameType
from typing import Any

from ambilink.incremental.asking import CLOCK, asks

STANDARD = tuple({os.path.dirname(os.__file__) + os.sep, os.path.dirname(threading.__file__) + os.sep, "<frozen "})
PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")
LOOKS = ("os.listdir", "os.scandir")
# Events that begin so.
UNKNOWN = ("socket.", "ctypes.", "sqlite3.", "os.getxattr", "os.listxattr", "pty.", "builtins.input")
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown")
WALKERS = ("realpath", "_realpath", "_joinrealpath", "islink", "lexists", "ismount", "readlink", "is_symlink")
TICKS = 0.03  # seconds: process start times are early by up to two ticks; loading the build system takes longer


class Reading:
    """What the scripts of one build looked at."""

    def __init__(self) -> None:
        self.files: set[str] = set()  # absolute
        self.folders: set[str] = set()
        self.links: set[str] = set()
        self.system_files: set[str] = set()  # that the build system looked at
        self.system_there: set[str] = set()  # folders that it found
        self.variables: set[str] = set()
        self.whole_environment = False
        self.environment: dict[str, str] = {}  # at the beginning
        self.top_names: set[str] = set()  # at the beginning
        self.since = 0.0  # what changed later may not be what was read
        self.untracked = ""  # an event of which nothing can be recorded
        self.active = False
        self.complete = False  # it began before any script was read
        self._hears = False
        self._own: tuple[str, ...] = (PACKAGE,)
        self._tools = "\0"  # nothing
        self._restore: list[Callable[[], None]] = []
        self._plain_stat = os.stat

    def begin(self, build_system: str, tools: str) -> None:
        """`build_system` is the folder of its code, `tools` the folder of what describes compilers: programs that these
        start to ask for a version are no script's."""
        if self.active:
            return
        if not self.complete:
            self.since = _process_start()
            self.environment = dict(os.environ)
            self.top_names = set(os.listdir("."))
        self.active, self.complete, self._own, self._tools = True, True, (build_system,), tools
        if not self._hears:
            sys.addaudithook(self._hear)
            self._hears = True
        self._wrap("stat", self._looked)
        self._wrap("access", self._looked)
        self._wrap("lstat", self._looked_at_link)
        self._wrap("readlink", self._looked_at_link)
        for name in CLOCK:
            self._wrap_clock(name)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:  # the script that called for this, and what it imported until now is not known
            self._runs(frame.f_code)
            frame = frame.f_back
        for environment in {id(each): each for each in (os.environ, getattr(os, "environb", os.environ))}.values():
            self._watch(environment)

    def _watch(self, environment: Any) -> None:
        plain = environment.__class__
        environment.__class__ = _watched(plain, self)
        self._restore.append(lambda: setattr(environment, "__class__", plain))

    def end(self) -> None:
        """All scripts are read."""
        self.active = False
        while self._restore:
            self._restore.pop()()

    def _wrap(self, name: str, note: Callable[[str, str, CodeType], None]) -> None:
        plain = getattr(os, name)

        def look(path: Any, *arguments: Any, **keywords: Any) -> Any:
            if isinstance(path, str | bytes | os.PathLike) and self.active:
                frame = sys._getframe(1)
                asker = self._asker(frame)
                if asker != "package":
                    note(asker, os.path.abspath(os.fsdecode(path)), frame.f_code)
                    if keywords.get("dir_fd") is not None:
                        self.untracked = f"os.{name}"
            return plain(path, *arguments, **keywords)

        setattr(os, name, look)
        self._restore.append(lambda: setattr(os, name, plain))

    def _wrap_clock(self, name: str) -> None:
        plain = getattr(time, name)

        def ask(*arguments: Any) -> Any:
            if self.active and self._asker(sys._getframe(1)) == "script":
                self.untracked = f"time.{name}"
            return plain(*arguments)

        setattr(time, name, ask)
        self._restore.append(lambda: setattr(time, name, plain))

    def _runs(self, code: CodeType) -> None:
        """Code that is run for the first time."""
        file = code.co_filename
        if not file.startswith((*STANDARD, PACKAGE, *self._own)) and not any(folder in file for folder in INSTALLED):
            self.untracked = asks(code) or self.untracked

    def _looked(self, asker: str, path: str, code: CodeType) -> None:
        if asker == "script":
            self._note(self.files, path)
        elif self._is_folder(path):
            self.system_there.add(path)
        else:
            self._note(self.system_files, path)

    def _looked_at_link(self, asker: str, path: str, code: CodeType) -> None:
        if asker == "script":
            self.links.add(path)
        walks = code.co_name in WALKERS and code.co_filename.startswith(STANDARD)
        self._looked("system" if walks else asker, path, code)

    def _note(self, found: set[str], path: Any) -> None:
        full = os.path.abspath(os.fsdecode(path))
        if f"{os.sep}__pycache__{os.sep}" not in full:
            (self.folders if self._is_folder(full) else found).add(full)

    def _is_folder(self, path: str) -> bool:
        try:
            return S_ISDIR(self._plain_stat(path).st_mode)
        except OSError:
            return False

    def _asker(self, frame: FrameType | None) -> str:
        """Who looks: "script", "tool", "system" or "package"."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(PACKAGE):
                return "package"
            if file.startswith(self._tools):
                return "tool"
            if file.startswith(self._own):
                return "system"
            if not file.startswith(STANDARD) and not any(folder in file for folder in INSTALLED):
                return "script"
            frame = frame.f_back  # a library looks for its caller
        return "script"  # a thread that only a script can have started

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open" or event in LOOKS:
            self._opened(event, arguments[0], sys._getframe(1))
        elif event == "exec":
            self._runs(arguments[0])
        elif event in STARTS:
            asker = self._asker(sys._getframe(1))
            if asker == "script" or (asker == "system" and self._of_script(sys._getframe(1))):
                self.untracked = event
        elif event in CHANGES:
            frame = sys._getframe(1)
            if self._asker(frame) == "script" or self._executes(frame):
                self.untracked = event
        elif event.startswith(UNKNOWN):
            if self._asker(sys._getframe(1)) == "script":
                self.untracked = event
        elif event == "import" and self._asker(sys._getframe(1)) == "script":
            for path in sys.path:  # where the module may appear, or one that is found first
                self._note(self.files, path or ".")

    def _opened(self, event: str, path: Any, frame: FrameType) -> None:
        asker = self._asker(frame)
        if asker == "package":
            return
        if path is None:
            path = "."
        if not isinstance(path, str | bytes | os.PathLike):  # a number: of what was opened, or of a folder
            if event != "open" and asker == "script":
                self.untracked = event
        elif event == "open":
            self._note(self.files if asker == "script" else self.system_files, path)
        else:
            self._note(self.folders, path)
            if event == "os.scandir" and asker == "script" and not frame.f_code.co_filename.startswith(STANDARD):
                for name in self._names(os.fsdecode(path)):  # what it asks the entries for raises no event
                    self._note(self.files, os.path.join(os.fsdecode(path), name))

    def _names(self, path: str) -> list[str]:
        self.active = False  # or this is heard as well
        try:
            return os.listdir(path)
        except OSError:
            return []
        finally:
            self.active = True

    def _of_script(self, frame: FrameType | None) -> bool:
        """The build system starts something because a script called for it, as by Execute and ParseConfig: neither this
        package nor a description of a tool did."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith((PACKAGE, self._tools)):
                return False
            frame = frame.f_back
        return True

    def _executes(self, frame: FrameType | None) -> bool:
        """Within env.Execute(Delete(...)) and the like."""
        while frame is not None:
            if frame.f_code.co_name == "Execute" and frame.f_code.co_filename.startswith(self._own):
                return True
            frame = frame.f_back
        return False

    def of_variable(self, name: str | bytes) -> None:
        if self._asker(sys._getframe(2)) == "script":
            self.variables.add(os.fsdecode(name))

    def of_environment(self) -> None:
        if self._asker(sys._getframe(2)) == "script":
            self.whole_environment = True


def _process_start() -> float:
    """When this process began, before it read anything; it may have been another program's until then."""
    try:
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        now = time.time()  # with nothing between the clocks: a wait there would make the process older
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - began
        if 0 <= age < 3600:
            return now - age + TICKS
    except (OSError, AttributeError, ValueError, IndexError):
        pass
    return time.time() - 1  # the build system was loaded since


def _watched(plain: type[Any], reading: Reading) -> type[Any]:
    """The class of os.environ with a note of what is asked for."""

    class Environment(plain):  # type: ignore[misc]
        def __getitem__(self, name: Any) -> Any:
            reading.of_variable(name)
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[Any]:
            reading.of_environment()
            return iter(list(super().__iter__()))

    return Environment


READING = Reading()
