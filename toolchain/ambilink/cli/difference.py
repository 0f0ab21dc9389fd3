"""`ambilink boot A --diff B`: where two boots part."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ambilink.cli.arguments import ONE_BOOT, input_file, megabytes, printable, refuse_beside, seed
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS, BootRequest

if TYPE_CHECKING:
    from ambilink.verify.difference import Difference


def add_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument(
        "--diff",
        type=input_file,
        metavar="OTHER",
        help="emulator: boot both images, and show the first instruction, system call and line of the console "
        "that differ; exit status 1 if there are any",
    )
    boot.add_argument("--diff-seed", type=seed, metavar="SEED", help="with --diff: the other boot's seed")
    boot.add_argument("--diff-memory", type=megabytes, metavar="MB", help="with --diff: the other boot's memory")
    boot.add_argument("--diff-append", type=printable, metavar="WORDS", help="with --diff: the other boot's words")


def check(options: argparse.Namespace) -> None:
    others = {name: getattr(options, f"diff_{name}") for name in ("seed", "memory", "append")}
    given = next((f"--diff-{name}" for name, value in others.items() if value is not None), None)
    if options.diff is None:
        if given:
            options.usage.error(f"{given} needs --diff")
        return
    if options.machine not in (None, "emulator"):
        options.usage.error("--diff needs the bundled emulator, which repeats a boot to the instruction")
    refuse_beside(options, "--diff", ONE_BOOT)


def run(options: argparse.Namespace, request: BootRequest, root: Path) -> int:
    from ambilink.verify.difference import difference

    other = replace(
        request,
        image=options.diff,
        seed=request.seed if options.diff_seed is None else options.diff_seed,
        memory_megabytes=options.diff_memory or request.memory_megabytes,
        arguments=request.arguments if options.diff_append is None else options.diff_append,
    )
    found = difference(request, other, root)
    if options.json:
        print(json.dumps(_as_json(found, str(request.image), str(other.image)), indent=2))
    else:
        print("\n".join(_lines(found, str(request.image), str(other.image))))
    return EXIT_PASS if found.is_none else EXIT_FAIL


def _as_json(found: "Difference", one: str, other: str) -> dict[str, object]:
    partings: dict[str, object] | None = None
    if found.instructions:
        partings = {"before": found.instructions[0].before}
        for letter, parting in zip("ab", found.instructions, strict=True):
            calls = [{"address": call.address, "where": call.where} for call in parting.calls]
            partings[letter] = {"instructions": parting.instructions, "calls": calls}
    call: dict[str, object] | None = None
    if found.call:
        call = {"process": found.call.process or None, "number": found.call.number}
        call |= {letter: each and each.as_json() for letter, each in zip("ab", found.call.calls, strict=True)}
    line = None if found.line is None else {"number": found.line, "a": found.lines[0], "b": found.lines[1]}
    boots = {
        letter: {"image": image, "ending": ending}
        for letter, image, ending in zip("ab", (one, other), found.endings, strict=True)
    }
    return {"same": found.is_none, "boots": boots, "instructions": partings, "system_call": call, "console": line}


def _lines(found: "Difference", one: str, other: str) -> list[str]:
    if found.is_none:
        return ["the boots are the same: the same instructions, the same console"]
    lines = []
    if found.instructions:
        first, second = found.instructions
        lines += ["the instructions part:", f"  the last block that both run lies in {first.before}"]
        for letter, name, parting in (("A", one, first), ("B", other, second)):
            lines.append(f"  {letter} ({name}) goes on, after {parting.instructions:,} instructions, in")
            lines += [f"    {call.address:#018x} {call.where}" for call in parting.calls[:6]]
    if found.call:
        who = f" of {found.call.process}" if found.call.process else ""
        lines.append(f"system call {found.call.number:,}{who} differs:")
        ended = "(no more system calls)"
        for letter, call in zip("AB", found.call.calls, strict=True):
            lines.append(f"  {letter}: {call.line().strip() if call else ended}")
    if found.line is None:
        lines.append("the consoles are the same")
    else:
        lines += [f"line {found.line} of the console differs:", f"  A: {found.lines[0]}", f"  B: {found.lines[1]}"]
    return [*lines, f"A ended: {found.endings[0]}", f"B ended: {found.endings[1]}"]
