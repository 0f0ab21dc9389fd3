"""A board whose run is cut where its state is looked at: behind so many instructions, at a breakpoint, a watchpoint.

What is run is the same as without cuts, to the instruction. So going back is running again, from a snapshot.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import unicorn

from ambilink.machine.emulator import snapshot
from ambilink.machine.emulator.board import Board
from ambilink.machine.judge import Decision
from ambilink.machine.model import ConsoleLine, Verdict

NEVER = 1 << 63
SNAPSHOTS_MAX = 8
SNAPSHOT_EVERY = 20_000_000  # instructions; twice as many where there would be too many snapshots
WRITE, READ = 1, 2
BlockHook = Callable[[object, int, int, object], None]  # engine, address and size of a block, None


class Reached(Exception):
    """The run is where it was to stop."""


@dataclass(frozen=True)
class Watch:
    """Of memory: a virtual address, and where that is."""

    address: int
    physical: int
    size: int
    kinds: int  # WRITE, READ


@dataclass(frozen=True)
class Hit:
    instructions: int  # that were executed before the stop: of a watchpoint, the one that accesses included
    watch: Watch | None = None

    @property
    def before(self) -> int:
        """Where who comes from behind stops: the instruction that is hit is not executed yet."""
        return self.instructions - (self.watch is not None)


class SteppedBoard(Board):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.cuts = Cuts(self)

    def go(self, goal: int = NEVER) -> Decision | None:
        """Run until so many instructions were executed in all, or something is hit: None. Or the boot ends."""
        self.cuts.goal = goal
        if self.cuts.shown is not None and self.request.keys:  # they were typed
            self.request = replace(self.request, keys=replace(self.request.keys, data=b""))
        self.cuts.shown = -1 if self.cuts.shown is None else self.cuts.shown
        try:
            return super()._run()
        except Reached:
            return None

    @property
    def executed(self) -> int:
        """Within a run: that which is running included."""
        return self._executed()

    def _run(self) -> Decision:
        assert self.request.stop_at is not None
        decision = self.go(self.request.stop_at)
        return decision or (Verdict.ENDED, f"stopped as asked for, after {self.instructions:,} instructions")

    def _slice(self, budget: int, until_interrupts_on: bool = False) -> int:
        self.cpu.halted = False  # something woke it
        return self.cuts.around(budget, lambda part: super(SteppedBoard, self)._slice(part, until_interrupts_on))

    def _see(self, line: ConsoleLine) -> None:
        sink = self._sink
        self._sink = sink if self.cuts.is_new(line) else None
        try:
            super()._see(line)
        finally:
            self._sink = sink


class Cuts(snapshot.Outside):
    """Where a board's run is cut, and the snapshots by which it goes back."""

    def __init__(self, board: SteppedBoard) -> None:
        self.board = board
        self.goal = NEVER
        self.shown: int | None = None  # instructions before the last line that was shown; None: nothing ran yet
        self.between: Callable[[], None] = lambda: None  # called now and then while the machine runs; may raise Reached
        self.keeps_snapshots = False
        self.hit: Hit | None = None
        self.hits: list[Hit] | None = None  # if a list, they are noted and nothing stops
        self._snapshots: list[snapshot.Snapshot] = []
        self._every = SNAPSHOT_EVERY
        self._resumed = -1  # a breakpoint where the run goes on is not hit again
        self._hooks: dict[int | Watch, int] = {}

    def is_new(self, line: ConsoleLine) -> bool:
        at = line.instructions or 0
        shown = -1 if self.shown is None else self.shown
        is_new, self.shown = at > shown, max(at, shown)
        return is_new

    def around(self, budget: int, run: Callable[[int], int]) -> int:
        board = self.board
        if self.hit or board.instructions >= self.goal:
            raise Reached
        self.between()
        if self.keeps_snapshots:
            self._keep()
        executed = run(min(budget, self.goal - board.instructions))
        if self.hit and self.hit.watch is None:
            # Where Unicorn counts, the instruction that was not executed counts, too.
            executed -= board.instructions - self.hit.instructions
            board.instructions = self.hit.instructions
        return executed

    def end_here(self) -> None:
        """Called by a hook: before the instruction that is to be executed."""
        self.hit = self.hit or Hit(self.board.executed - 1)
        self.board.cpu.stop()

    def at_each_block(self, hook: BlockHook) -> None:
        self.board.cpu.engine.hook_add(unicorn.UC_HOOK_BLOCK, hook)

    # Breakpoints and watchpoints.

    def set(self, wanted: set[int | Watch]) -> None:
        """What is hit from now on: addresses of instructions, and watches."""
        if wanted == set(self._hooks):
            return
        engine = self.board.cpu.engine
        for each in set(self._hooks) - wanted:
            engine.hook_del(self._hooks.pop(each))
        for each in wanted - set(self._hooks):
            if isinstance(each, Watch):
                self._hooks[each] = self._watch(each)
            else:
                self._hooks[each] = engine.hook_add(unicorn.UC_HOOK_CODE, self._on_breakpoint, None, each, each)
        snapshot.forget_translations(self.board)

    def _on_breakpoint(self, engine: unicorn.Uc, address: int, size: int, data: object) -> None:
        before = self.board.executed - 1  # the instruction that is to be executed counts
        if before == self._resumed or self.hit:
            return
        if self.hits is not None:
            self.hits.append(Hit(before))
            return
        self.hit = Hit(before)
        self.board.cpu.stop()

    def _watch(self, watch: Watch) -> int:
        kinds = (unicorn.UC_HOOK_MEM_WRITE if watch.kinds & WRITE else 0) | (
            unicorn.UC_HOOK_MEM_READ if watch.kinds & READ else 0
        )

        def on_access(engine: unicorn.Uc, kind: int, address: int, size: int, value: int, data: object) -> None:
            if address + size <= watch.physical or address >= watch.physical + watch.size or self.hit:
                return
            hit = Hit(self.board.executed, watch)
            if self.hits is not None:
                self.hits.append(hit)
                return
            self.hit = hit
            self.board.cpu.pause()

        hook: int = self.board.cpu.engine.hook_add(kinds, on_access)
        return hook

    # The past.

    def _keep(self) -> None:
        at = self.board.instructions
        if self._snapshots and at < self._snapshots[-1].instructions + self._every:
            return
        self._snapshots.append(snapshot.take(self.board))
        if len(self._snapshots) > SNAPSHOTS_MAX:
            del self._snapshots[1::2]
            self._every *= 2

    def forget_past(self) -> None:
        """The state was changed from outside: running again would not lead here."""
        self._snapshots = []
        snapshot.forget_translations(self.board)
        self._keep()

    @property
    def earliest(self) -> int:
        return self._snapshots[0].instructions if self._snapshots else self.board.instructions

    def go_back(self, goal: int) -> None:
        """To where so many instructions were executed; not before `earliest`."""
        self._restore_before(goal)
        self._replay(goal)

    def last_hit(self, before: int) -> Hit | None:
        """The last breakpoint or watchpoint that is hit before so many instructions. The board is somewhere then."""
        end = before
        while end > self.earliest:
            begin = self._restore_before(end - 1)
            self.hits = []
            try:
                self._replay(end)
                found = [hit for hit in self.hits if begin <= hit.before < before]
            finally:
                self.hits = None
            if found:
                return found[-1]
            end = begin
        return None

    def _restore_before(self, goal: int) -> int:
        found = [each for each in self._snapshots if each.instructions <= goal][-1]
        snapshot.restore(self.board, found)
        self.hit = None
        return found.instructions

    def _replay(self, goal: int) -> None:
        between, self.between = self.between, lambda: None
        wanted = set(self._hooks)
        if self.hits is None:
            self.set(set())
        self._resumed = -1
        try:
            self.board.go(goal)
        finally:
            self.between = between
            self.set(wanted)

    def go_on(self, goal: int = NEVER) -> Decision | None:
        """Forward, to a goal or a hit."""
        self.hit, self._resumed = None, self.board.instructions
        decision = self.board.go(goal)
        if self.hit and self.hit.watch:  # the run could not end that soon
            hit = self.hit
            self.go_back(hit.instructions)
            self.hit = hit
        return None if self.hit else decision
