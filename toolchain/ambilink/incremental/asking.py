"""What a script asks that has another answer each time: the clock, chance, processes. Nothing of it can be recorded.

Python raises no event for these, and functions written in C cannot be replaced. So names are looked for in the code of
scripts as it is run: what could ask is taken to ask. Libraries of others are not looked into; the clock of the module
`time` is heard when these ask it for a script."""

from collections.abc import Iterator
from types import CodeType

MODULES = frozenset(
    ("time", "datetime", "random", "secrets", "uuid", "posix", "nt", "pwd", "grp", "spwd", "resource", "_datetime")
)
# Of `os`, by whichever name it is known.
FUNCTIONS = frozenset(
    (
        *("getpid", "getppid", "getpgid", "getsid", "urandom", "getrandom", "times", "getloadavg", "getlogin"),
        *("statvfs", "fstatvfs", "getgroups", "getpriority", "umask", "ttyname", "ctermid"),
    )
)
CLOCK = ("time", "time_ns", "localtime", "gmtime", "strftime", "ctime", "asctime", "clock_gettime", "clock_gettime_ns")


def asks(code: CodeType) -> str:
    """The first name by which it may ask, functions in it included; empty if there is none."""
    for name in _names(code):
        if name.partition(".")[0] in MODULES or name in FUNCTIONS:
            return name
    return ""


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _names(value)
