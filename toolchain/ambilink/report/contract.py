"""The contract that files need, as a table for a profile; and what files break of a profile's."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ambilink.compile.profile import Profile
from ambilink.elf.contract import GROUPS, Loaded, broken, contract_of, needed

HEXADECIMAL = ("lowest-address", "highest-address")


def _value(key: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and key in HEXADECIMAL:
        return hex(value)
    return json.dumps(value, ensure_ascii=False)  # texts, numbers, truths and lists are written as in TOML


def contract_lines(paths: Sequence[Path]) -> Iterator[str]:
    yield f"# What a loader must know for {', '.join(path.name for path in paths)}"
    yield "[contract]"
    for key, value in contract_of([Loaded.open(path) for path in paths]).items():
        yield f"{key} = {_value(key, value)}"


def broken_lines(paths: Sequence[Path], profile: Profile) -> Iterator[tuple[bool, str]]:
    """Whether a line is of a broken rule, and the line. Libraries among the files are those of the programs."""
    files = [Loaded.open(path) for path in paths]
    for file in files:
        found = list(broken(file, profile.contract, libraries=needed(file, files)))
        if not found:
            held = GROUPS[file.output] in profile.contract.outputs
            keeps = f"keeps the contract of {profile.name}"
            yield False, f"{file.path}: {keeps if held else f'no rule of {profile.name} is for its kind'}"
        for each in found:
            yield True, f"{file.path}: contract.{each.key}: {each.rule}; {each.remedy}"
