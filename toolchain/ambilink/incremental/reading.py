"""What build scripts look at by Python itself, beside what they declare: files, folders and environment variables.

A script that reads a version from a file, or asks whether a file is there, depends on it, and the build system does
not know. While scripts are read Python's audit events are heard, and `os.stat`, `os.access` and `os.environ` note who
asks: what the standard library, the build system or this package looks at for itself is not a script's. Programs that
a script starts may look at anything: then nothing can be said of what it depends on."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR
from types import FrameType
from typing import Any

STANDARD = tuple({os.path.dirname(os.__file__) + os.sep, os.path.dirname(threading.__file__) + os.sep, "<frozen "})
PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "socket.connect")
LOOKS = ("os.listdir", "os.scandir")

class Reading:
    """What the scripts of one build looked at."""

    def __init__(self) -> None:
        self.files: set[str] = set()  # absolute
        self.folders: set[str] = set()
        self.variables: set[str] = set()
        self.whole_environment = False
        self.started = ""  # a program that a script started
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
        self.active, self.complete, self._own, self._tools = True, True, (PACKAGE, build_system), tools
        if not self._hears:
            sys.addaudithook(self._hear)
            self._hears = True
        self._wrap("stat")
        self._wrap("access")
        environment = os.environ
        plain = environment.__class__
        environment.__class__ = _watched(plain, self)
        self._restore.append(lambda: setattr(environment, "__class__", plain))

    def end(self) -> None:
        """All scripts are read."""
        self.active = False
        while self._restore:
            self._restore.pop()()

    def _wrap(self, name: str) -> None:
        plain = getattr(os, name)

        def look(path: Any, *arguments: Any, **keywords: Any) -> Any:
            if isinstance(path, str | os.PathLike) and self._asker(sys._getframe(1)) == "script":
                self._note(self.files, os.fspath(path))
            return plain(path, *arguments, **keywords)

        setattr(os, name, look)
        self._restore.append(lambda: setattr(os, name, plain))

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
        """Who looks: "script", "tool" or "own". A library looks for its caller."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._tools):
                return "tool"
            if file.startswith(self._own):
                return "own"
            if not file.startswith(STANDARD) and not any(folder in file for folder in INSTALLED):
                return "script"
            frame = frame.f_back  # a library looks for its caller
        return "own"

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or not (event == "open" or event in LOOKS or event in STARTS):
            return
        asker = self._asker(sys._getframe(1))
        if event in STARTS:
            if asker == "script" or (asker == "own" and self._of_script(sys._getframe(1))):
                self.started = event
        elif asker == "script":
            path = arguments[0]
            if event == "open" and isinstance(path, str | bytes | os.PathLike):
                self._note(self.files, path)
            elif event in LOOKS and isinstance(path, str | bytes | os.PathLike):
                self._note(self.folders, path)
            elif event in LOOKS and path is None:
                self._note(self.folders, ".")

    def _of_script(self, frame: FrameType | None) -> bool:
        """The build system starts something because a script called for it, as by Execute and ParseConfig: neither this
        package nor a description of a tool did."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith((PACKAGE, self._tools)):
                return False
            frame = frame.f_back
        return True

    def of_variable(self, name: str) -> None:
        if self._asker(sys._getframe(2)) == "script":
            self.variables.add(name)

    def of_environment(self) -> None:
        if self._asker(sys._getframe(2)) == "script":
            self.whole_environment = True


def _watched(plain: type[Any], reading: Reading) -> type[Any]:
    """The class of os.environ with a note of what is asked for."""

    class Environment(plain):  # type: ignore[misc]
        def __getitem__(self, name: str) -> str:
            reading.of_variable(name)
            return str(super().__getitem__(name))

        def __iter__(self) -> Iterator[str]:
            reading.of_environment()
            return iter(list(super().__iter__()))

    return Environment


READING = Reading()
