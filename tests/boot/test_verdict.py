"""Boots that are judged by a profile, on both machines: of multiboot/main.c, which prints and halts for ever, and of
this project's own system, which ends by exit code 0x10."""

import json
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ambilink.boot import boot_and_verify
from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootRequest, NoMachine, Verdict
from ambilink.verdict import AMBILINK_RULES, VerdictRules


def boot(build, machine, rules, image="test-multiboot", expect=None, timeout=120.0):
    return boot_and_verify(machine, BootRequest(build / image, rules=rules, timeout=timeout), build, expect)


def test_text_ends_the_boot_as_passed(build, machine):
    begun = time.perf_counter()
    result = boot(build, machine, VerdictRules(pass_text=("command line *", "all was printed")), timeout=600.0)
    assert result.outcome.verdict is Verdict.PASS and result.exit_status == 0
    assert result.outcome.text[-1] == "all was printed"
    assert time.perf_counter() - begun < 300  # the deadline is no part of it


def test_a_crash_is_a_failure_with_its_lines(build, machine):
    rules = VerdictRules(pass_text=("all was printed",), fail_text=("memory below",))
    outcome = boot(build, machine, rules).outcome
    assert outcome.verdict is Verdict.FAIL and outcome.detail.startswith("the console shows a failure: memory below")
    assert outcome.crash[0].startswith("memory below") and outcome.crash[-1] == "all was printed"


def test_an_exit_code_is_no_pass_without_a_rule(build, machine):
    """The system ends with 0x10, which is a pass by its own profile only."""
    assert boot(build, machine, AMBILINK_RULES, "boot.img").exit_status == 0
    rules = VerdictRules(pass_text=("never comes",))
    outcome = boot(build, machine, rules, "boot.img", timeout=3.0).outcome
    assert outcome.verdict in (Verdict.TIMEOUT, Verdict.HALTED)
    other = boot(build, machine, VerdictRules(pass_codes=(0x20,), fail_codes=(0x10,)), "boot.img").outcome
    assert (other.verdict, other.detail) == (Verdict.FAIL, "the guest said that it failed")


def test_silence_is_a_failure(build):
    rules = VerdictRules(pass_text=("never comes",), silence=0.5)
    outcome = boot(build, "emulator", rules, "boot.img").outcome
    assert outcome.verdict in (Verdict.SILENCE, Verdict.HALTED) and outcome.verdict.exit_status == 1
    try:
        outcome = boot(build, "qemu", rules).outcome
    except NoMachine as error:
        pytest.skip(str(error))
    assert outcome.verdict is Verdict.SILENCE and "not seen on the console: never comes" in outcome.detail
    assert outcome.seconds < 8


def test_expected_lines_are_a_pass_where_the_rules_have_none(build, machine, tmp_path):
    expect = tmp_path / "expect"
    expect.write_text("multiboot kernel\ncommand line *\nall was printed\n")
    assert boot(build, machine, VerdictRules(), expect=expect).exit_status == 0
    expect.write_text("all was printed\nmultiboot kernel\n")
    assert boot(build, machine, VerdictRules(), expect=expect, timeout=2.0).exit_status == 1


def test_consoles_are_told_apart(build, machine):
    rules = VerdictRules(pass_text=("command: line ''", "all was printed"), console_prefix=r"(?P<console>command) ")
    outcome = boot(build, machine, rules).outcome
    assert outcome.verdict is Verdict.PASS
    assert [line.text for line in outcome.console if line.console == "command"] == ["line ''"]


def test_the_command_takes_a_profile(build, tmp_path):
    profile = tmp_path / "os.toml"

    def run(text, *words):
        profile.write_text(text)
        line = [sys.executable, "-m", "ambilink", "boot", build / "test-multiboot", "--profile", profile, *words]
        return subprocess.run(line, capture_output=True, text=True)

    head = 'profile = 1\nextends = "bare"\n[verdict]\n'
    done = run(f'{head}pass-text = ["all was printed"]\n', "--append", "from the command")
    assert done.returncode == 0, done.stderr
    assert "command line 'from the command'" in done.stdout and "emulator: passed" in done.stdout
    done = run(f'{head}fail-text = ["command line"]\npass-codes = [16]\n', "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["crash"][0] == "command line ''"
    done = run(f"{head}silence = -1\n")
    assert done.returncode == 1 and f"{profile}:4: verdict.silence is -1; write seconds" in done.stderr
    done = run(head)
    assert done.returncode == 1 and f"{profile}: has no rule by which a boot passes" in done.stderr


def test_rules_without_a_pass_are_refused(build):
    with pytest.raises(AmbilinkError, match="has no rule by which a boot passes"):
        boot(build, "emulator", VerdictRules(fail_text=("PANIC",)))


def test_a_kernel_that_spins_or_halts_is_found_in_its_source(build, machine):
    for words, place in {
        "spin": r"ran at 0x\w+, in spin\+0x\w+ \(\S+main\.c:\d+\)",
        "": r"halted at 0x\w+, in ",
    }.items():
        request = BootRequest(build / "test-multiboot", rules=VerdictRules(pass_text=("never",)), timeout=4.0)
        result = boot_and_verify(machine, replace(request, arguments=words), build)
        assert result.exit_status == 1 and re.match(f"the CPU {place}", result.reasons[0]), result.reasons
