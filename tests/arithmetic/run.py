"""`./scons judge-arithmetic`: a table of all instructions, with the processor as the judge."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from ambilink.machine.emulator import native
from tests.arithmetic.judge import Verdict, judge, shown, why_not
from tests.arithmetic.kinds import Kind, all_kinds

SKIPPED = 77
PART = 10_000  # operations of a kind at once


def judge_part(kinds: list[Kind], count: int, seed: int) -> list[Verdict]:
    totals: dict[str, Verdict] = {}
    for part in range(-(-count // PART)):
        size = min(PART, count - part * PART)
        for verdict in judge(kinds, size, seed + part):
            total = totals.setdefault(verdict.kind.name, Verdict(verdict.kind, 0))
            total.count += verdict.count
            total.results += verdict.results
            total.flags += verdict.flags
            total.units = max(total.units, verdict.units)
            total.shown = total.shown or verdict.shown
    return list(totals.values())


def line_of(verdict: Verdict) -> str:
    share = f"{100 * verdict.results / verdict.count:9.3f} {100 * verdict.flags / verdict.count:9.3f}"
    units = f"  within {verdict.units} unit" if verdict.units else ""
    return f"{verdict.kind.group:10}{verdict.kind.name:22}{verdict.count:9,} {share}{units}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="operations of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="instructions whose name has this in it")
    parser.add_argument("--group", default="", help="x87, functions, sse or integer")
    parser.add_argument("--wrong", action="store_true", help="list those that differ alone")
    options = parser.parse_args()
    if reason := why_not():
        print(reason)
        return SKIPPED
    if reason := native.missing():
        print(f"the emulator has no native helper, so this is Unicorn's own arithmetic: {reason}")
    kinds = [kind for kind in all_kinds() if options.only in kind.name and options.group in kind.group]
    workers = len(os.sched_getaffinity(0))
    parts = [kinds[index::workers] for index in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        done = [pool.submit(judge_part, part, options.count, options.seed) for part in parts if part]
        verdicts = sorted((verdict for each in done for verdict in each.result()), key=lambda v: kinds.index(v.kind))
    print(
        f"{'group':10}{'instruction':22}{'times':>9} {'result %':>9} {'flags %':>9}   that differ from this processor's"
    )
    for verdict in verdicts:
        if not options.wrong or not verdict.is_right:
            print(line_of(verdict))
        for difference in verdict.shown:
            print(shown(difference, verdict.kind))
    wrong = [verdict for verdict in verdicts if not verdict.is_right]
    print(f"{len(verdicts)} kinds, {sum(v.count for v in verdicts):,} operations; {len(wrong)} kinds differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
