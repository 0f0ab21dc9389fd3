"""Giving the verdict of a boot, by the rules that it is held to."""

from collections.abc import Sequence

from ambilink.machine.model import Verdict
from ambilink.verdict import VerdictRules, text_pattern

CRASH_LINES = 24  # what is collected from the first line of a crash on
CRASH_SECONDS = 0.5  # how long is waited for them
GUEST_FAILED = "the guest said that it failed"
UNDECIDED = (Verdict.TIMEOUT, Verdict.SILENCE, Verdict.HALTED, Verdict.RESET)
Decision = tuple[Verdict, str]


class Judge:
    """Is shown each line of the console and asked between. Times are the machine's, in seconds since power-on."""

    def __init__(self, rules: VerdictRules, expected: Sequence[str] = ()) -> None:
        """`expected`: whole lines in their order, which are the pass of rules that have none of their own."""
        self.rules = rules
        self.crash: list[str] = []
        self._pass = {text: text_pattern(text) for text in rules.pass_text}
        self._fail = [text_pattern(text) for text in rules.fail_text]
        self._expected = [] if rules.can_pass else [(text, text_pattern(text)) for text in expected]
        self._by_text = bool(self._pass or self._expected)
        self._last_line = 0.0
        self._crashed: float | None = None

    def see(self, line: str, now: float) -> None:
        self._last_line = now
        if self._crashed is None and any(pattern.search(line) for pattern in self._fail):
            self._crashed = now
        if self._crashed is not None:
            self.crash.append(line)
            return
        self._pass = {text: pattern for text, pattern in self._pass.items() if not pattern.search(line)}
        if self._expected and self._expected[0][1].fullmatch(line.rstrip()):
            del self._expected[0]

    @property
    def urgent(self) -> bool:
        """What was seen decides: the machine need not go on."""
        return self._passed or len(self.crash) >= CRASH_LINES

    @property
    def _passed(self) -> bool:
        return self._by_text and not self._pass and not self._expected and self._crashed is None

    def decide(self, now: float) -> Decision | None:
        """The verdict, once it is known."""
        if self._passed:
            return Verdict.PASS, ""
        if self._crashed is not None:
            late = now >= self._crashed + CRASH_SECONDS
            return (Verdict.FAIL, self._crash_text) if late or self.urgent else None
        silence = self.rules.silence
        if silence is not None and now >= self._last_line + silence:
            return Verdict.SILENCE, f"no line for {silence:g} s{self._missing}"
        return None

    def next_look(self, now: float) -> float:
        """Seconds until `decide` may have another answer without a new line."""
        if self._crashed is not None:
            return max(0.0, self._crashed + CRASH_SECONDS - now)
        return max(0.0, self._last_line + self.rules.silence - now) if self.rules.silence is not None else 1e9

    def of_code(self, code: int) -> Decision:
        """What the byte says that was written to the debug-exit port."""
        if code in self.rules.pass_codes:
            return Verdict.PASS, ""
        if code in self.rules.fail_codes:
            return Verdict.FAIL, GUEST_FAILED
        return Verdict.FAIL, f"the guest ended the machine with an unknown code {code:#x}"

    def timeout(self, seconds: float) -> Decision:
        return Verdict.TIMEOUT, f"no verdict within {seconds:g} s{self._missing}"

    def conclude(self, decision: Decision) -> Decision:
        """The machine ended so; the console's last line, which no line end closed, was seen."""
        if self._crashed is not None:
            return Verdict.FAIL, self._crash_text
        if self._passed and decision[0] in UNDECIDED:
            return Verdict.PASS, ""
        if decision[0] in (Verdict.HALTED, Verdict.RESET):
            return decision[0], f"{decision[1]}{self._missing}"
        return decision

    @property
    def _crash_text(self) -> str:
        return f"the console shows a failure: {self.crash[0].strip()}"

    @property
    def _missing(self) -> str:
        missing = [*self._pass, *(text for text, _ in self._expected)]
        return f"; not seen on the console: {missing[0]}" if missing else ""
