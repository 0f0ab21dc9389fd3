"""What a record of a boot must have, so that what reads it need not look again. docs/boot-record.md has the meaning."""

from typing import Any

from ambilink.errors import AmbilinkError

NUMBER = (int, float)
MOST = 1 << 64
MAY_BE_NEGATIVE = "exit_status"
COUNT = (int, type(None))
WORDS = (str, type(None))
LINES = [str]
INSTANT = {"nanoseconds": int, "instructions": COUNT, "seconds": (int, float, type(None))}


class Maybe:
    """Null, or this."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


class Later(Maybe):
    """It may be missing: records of before have it not."""


class Each:
    """An object with any keys, whose values are this."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


PARTS = [{"name": str, "kind": str, "bytes": int}]
SHAPE: dict[str, Any] = {
    "format": int,
    "program": str,
    "started": str,
    "machine": str,
    "image": {"name": str, "what": str, "bytes": int, "digest": str, "parts": [PARTS[0] | {"offset": int}]},
    "settings": Each((str, int, float, type(None))),
    "verdict": str,
    "passed": bool,
    "detail": str,
    "failures": LINES,
    "reasons": LINES,
    "warnings": Later(LINES),
    "seconds": NUMBER,
    "instructions": COUNT,
    "verdict_nanoseconds": COUNT,
    "counters": Each(int),
    "console": [{"text": str, "console": str, "seconds": NUMBER, "instructions": COUNT}],
    "crash": LINES,
    "faults": LINES,
    "cpu": Later(
        {
            "rip": int,
            "halted": bool,
            "stuck": bool,
            "registers": Each(int),
            "calls": [{"address": int, "where": str}],
            "code": str,
        }
    ),
    "nowhere": Later(
        [
            {
                "kind": str,
                "address": int,
                "accesses": LINES,
                "count": int,
                "calls": [{"address": int, "where": str}],
                "registers": Each(int),
            }
        ]
    ),
    "threads": Later([{"process": int, "name": str, "thread": int, "waits": str, "calls": LINES}]),
    "memory_read": Later([{"place": str, "address": int, "bytes": str}]),
    "waiting": LINES,
    "checks": [{"group": str, "name": str, "result": str, "detail": str, "failures": LINES}],
    "processes": [
        {
            "number": int,
            "name": str,
            "program": WORDS,
            "linker": WORDS,
            "state": str,
            "exit_status": int,
            "instants": Maybe({key: Maybe(INSTANT) for key in ("created", "begun", "ready", "ended")}),
            "pages": COUNT,
            "private_pages": COUNT,
            "modules": Each(int),
        }
    ],
    "processes_created": COUNT,
    "memory": {"bytes": int, "frames": COUNT, "used": COUNT, "parts": PARTS},
    "sharing": [{"name": str, "kind": str, "read_only_pages": int, "processes": LINES}],
    "slots": Maybe({"equal": int, "objects": int, "processes": int, "changed": int, "pending": int}),
    "forms": [
        {
            "name": str,
            "kind": str,
            "needs": LINES,
            "forms": Each({"file": str, "bytes": COUNT, "in_image": bool}),
        }
    ],
    "compared": Maybe({"started": str, "bytes": int, "parts": Each(int)}),
}
CHOICES = {
    "verdict": ("pass", "fail", "timeout", "silence", "reset", "halted", "ended", "broken"),
    "result": ("passed", "failed", "skipped"),
    "state": ("alive", "exited", "faulted"),
}


def check_shape(record: Any, where: object) -> None:
    """Raises AmbilinkError that names the first key that is not as it must be."""
    problem = _problem(record, SHAPE, "")
    if problem:
        raise AmbilinkError(where, f"is no whole record of a boot: {problem}", "boot again with --record")


def _problem(value: Any, shape: Any, key: str) -> str:
    if isinstance(shape, Maybe):
        return "" if value is None else _problem(value, shape.shape, key)
    if isinstance(shape, Each):
        if not isinstance(value, dict):
            return f"{key} is no object"
        return _first((_problem(each, shape.shape, f"{key}.{name}") for name, each in value.items()))
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{key or 'it'} is no object"
        missing = next((name for name in shape if name not in value and not isinstance(shape[name], Later)), None)
        if missing is not None:
            return f"{key}.{missing} is missing".lstrip(".")
        return _first(_problem(value.get(name), each, f"{key}.{name}".lstrip(".")) for name, each in shape.items())
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{key} is no list"
        return _first(_problem(each, shape[0], f"{key}[{index}]") for index, each in enumerate(value))
    kinds = shape if isinstance(shape, tuple) else (shape,)
    fits = isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)
    if not fits:
        return f"{key} is {str(value)[:40]!r}"
    name = key.rpartition(".")[2]
    if isinstance(value, int | float) and not (-MOST if name == MAY_BE_NEGATIVE else 0) <= value < MOST:
        return f"{key} is {str(value)[:40]}"
    choices = CHOICES.get(name)
    return f"{key} is {value[:40]!r}" if choices and value not in choices else ""


def _first(problems: Any) -> str:
    return next((problem for problem in problems if problem), "")
