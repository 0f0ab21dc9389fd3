"""Why a boot failed is said in one line: the service, what it did, where, and what to do. On both machines."""

import re

import pytest

from ambilink.machine.model import Verdict
from ambilink.report.boot import as_text

HERE = r"\(\S*programs/wrong\.c:\d+\)"
WRONG = r"test-wrong \(process \d+\) "


def boot(system, machine, tmp_path, timeout=300.0, **settings):
    """Failed, with its first reason in the last line, and without a word on the line that is missing therefore."""
    expect = tmp_path / "expect"
    expect.write_text("loader: every program of the manifest ended: passed\n")
    result = system.boot(machine, timeout=timeout, expect=expect, **settings)
    text = as_text(result)
    assert result.exit_status == 1 and result.outcome.verdict is not Verdict.PASS
    assert result.reasons[0] in text[-1] and not any("expected on the console" in line for line in text)
    assert all(reason.isprintable() for reason in result.reasons)
    return result


@pytest.mark.parametrize("function", ["spin", "copy"])
def test_an_endless_loop(system, machine, tmp_path, function):
    result = boot(system.program("test-wrong", arguments=[function]), machine, tmp_path, timeout=3.0)
    assert result.outcome.verdict is Verdict.TIMEOUT
    reason = next(each for each in result.reasons if each.startswith("test-wrong"))
    assert re.search(rf"^{WRONG}runs at 0x[0-9a-f]+, in ", reason)
    # gcc makes no frame in a function that never returns: its caller's caller is the next that is found.
    assert re.search(rf"\b{function}\+0x\w+ {HERE}.*, (called )?by (main\+0x\w+ {HERE}$|libc_start)", reason)


def test_a_lock_that_nobody_gives_back(system, tmp_path):
    result = boot(system.program("test-wrong", arguments=["lock"]), "emulator", tmp_path)
    assert "kernel: deadlock: every thread waits for another one" in result.outcome.text
    reason = rf"^{WRONG}waits for a word of memory that no other thread changes, in .*main\+0x\w+ {HERE}"
    assert re.search(reason, result.reasons[0])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["3"], r"ended with exit status 3; a program passes with status 0"),
        (["-1"], r"ended with exit status -1; a program passes with status 0"),
    ],
)
def test_an_exit_status(system, machine, tmp_path, arguments, reason):
    result = boot(system.program("test-exit", arguments=arguments), machine, tmp_path)
    assert re.fullmatch(rf"test-exit \(process \d+\) {reason}", result.reasons[0])


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (
            "abort",
            rf"ended with exit status 134 \(abort\(\)\), in main(\.cold)?\+0x\w+ {HERE}; "
            "a program passes with status 0",
        ),
        ("null", rf"was ended for a fault: page fault, write at 0x0, not mapped, in \S+: write_to\+0x\w+ {HERE}"),
        ("trap", rf"was ended for a fault: invalid instruction, in \S+: main(\.cold)?\+0x\w+ {HERE}"),
        (
            "overflow",
            rf"overflowed the stack of 65,536 bytes of its thread \d+ in \S+: recurse\+0x\w+ {HERE}; recurse\+0x\w+ "
            rf"{HERE} is on it \d+ times; end the recursion, or give it a larger stack in the manifest",
        ),
    ],
)
def test_a_crash(system, machine, tmp_path, what, reason):
    result = boot(system.program("test-wrong", arguments=[what], stack=65536), machine, tmp_path)
    assert re.fullmatch(WRONG + reason, result.reasons[0]), result.reasons


def test_a_daemon_that_ends(system, machine, tmp_path):
    result = boot(system.service("test-exit").program("test-wrong", arguments=["spin"]), machine, tmp_path, timeout=3.0)
    assert re.fullmatch(
        r"test-exit \(process \d+\) ended with exit status 0, and a daemon must not end; if it may, "
        r'give it role = "program" in the manifest',
        result.reasons[0],
    )


def test_a_system_without_names(system, machine, tmp_path):
    del system.services[0]
    result = boot(system.program("test-wrong", arguments=["spin"]), machine, tmp_path, timeout=3.0)
    assert re.fullmatch(
        r"console \(process \d+\) ended with exit status \d+.*; no service of the manifest is 'names', which knows the "
        r'others by their names: add \[\[service\]\] name = "names", before the others',
        result.reasons[0],
    )


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("files", {}, r'no service of the manifest has that name; add [[service]] name = "files", for services/files'),
        ("fiels", {}, "no service of the manifest has that name; did you mean 'files'?"),
        ("zzz", {}, 'no service of the manifest has that name; add [[service]] name = "zzz", with the program that'),
        ("files", {"role": "on-demand", "grants": ["image"]}, 'the manifest has it with role = "on-demand": nothing'),
        ("test-mute", {"registers": ["mute", "test-mute"]}, " runs, and has not registered it"),
    ],
)
def test_a_service_that_is_never_started(system, machine, tmp_path, name, more, reason):
    """Found as soon as no service is left that could register it, or nothing can run any more: before the deadline."""
    if more or name == "test-mute":
        system.service(name, **more)
    result = boot(system.program("test-wrong", arguments=["wait", name]), machine, tmp_path, timeout=600.0)
    assert result.outcome.verdict is Verdict.FAIL
    assert re.match(rf"{WRONG}wait(s|ed) for a service '{name}', which is not registered: ", result.reasons[0])
    assert reason in result.reasons[0]


def test_a_service_that_was_not_started(system, tmp_path):
    system.program("test-exit", stack=4096, arguments=["x" * 1900])
    result = boot(system, "emulator", tmp_path)
    assert re.match("test-exit was not started: arguments, environment and auxiliary vector take up", result.reasons[0])


def test_what_waits_for_an_endless_loop_is_not_accused(system, machine, tmp_path):
    """test-caller waits for the name of the service that spins. Each answer on the way waits for the end of a slice."""
    system.service("test-wrong", arguments=["spin"]).program("test-caller", arguments=["test-wrong"])
    reasons = boot(system, machine, tmp_path, timeout=4.0).reasons
    assert len(reasons) == 1 and re.match(rf"{WRONG}runs at .*; test-caller waits for it$", reasons[0])


@pytest.mark.parametrize("program", ["test-binding-dynamic", "test-binding-static"])
def test_output_that_is_lost(system, program):
    """Without a console, and without names that know one, what a program prints is lost, and it may pass."""
    system.services.clear()
    result = system.program(program).boot()
    rule = "no service of the manifest registers 'console'; add "
    warning = f"  warning: {program} prints, and what is printed is lost: {rule}"
    assert any(line.startswith(warning) for line in as_text(result))
    system.services.clear()
    assert system.program(program, grants=["log"]).boot().warnings == []
    system.services.clear()
    assert system.program("test-exit").boot().warnings == []
