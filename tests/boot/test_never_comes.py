"""Clients that wait for a service that will never come get an error, so the boot has a verdict and its cause, not a
timeout: the service is damaged, it ends or faults before it registers, it is not in the manifest, or nothing may
start it."""

import re

import pytest

from ambilink.machine.model import Verdict
from tests.boot.conftest import boot, set_strategy
from tests.boot.malformed import Malformed, judge, prepare
from tests.boot.test_failures import alter, file_offset
from tests.elf.mutate import Recipe

LINKERS = ["loader", "kernel", "interp", "pack"]
TIMEOUT = 600.0  # of the machine's own time in the emulator; none of these comes near it


def failed(result, *lines):
    text = "\n".join(result.outcome.text)
    assert result.outcome.verdict is Verdict.FAIL, text
    for line in lines:
        assert re.search(line, text, re.MULTILINE), f"{line}\n{text}"
    return result


def waiters(system, *names):
    for name in names:
        system.program(f"for-{name}", program="test-wrong", arguments=["wait", name])
    return system


@pytest.mark.parametrize("linker", LINKERS)
def test_whatever_keeps_a_service_from_coming(system, build, machine, linker):
    waiters(set_strategy(system, linker), "damaged", "exits", "faults", "absent", "demanded", "late")
    system.service("damaged", program="test-mute").service("exits", program="test-exit", arguments=["0"])
    system.service("faults", program="test-wrong", arguments=["null"])
    system.service("demanded", program="test-exit", role="on-demand")
    # It ends after the others wait for it.
    system.service("late", program="test-wrong", arguments=["wait", "absent"])
    image = system.pack()
    alter(image, file_offset(image, "services/test-mute") + 15)
    result = failed(boot(build, image, machine, timeout=TIMEOUT), r"^loader: every program .* ended: failed$")
    names = {match[1] for match in re.finditer(r"waited for '(\S+)', which", "\n".join(result.outcome.text))}
    assert names == {"damaged", "exits", "faults", "absent", "demanded", "late"}
    assert "services/test-mute" in result.reasons[0] and "is damaged" in result.reasons[0]
    assert result.reasons[1].startswith("faults (process")


@pytest.mark.parametrize("what", ["names", "console"])
@pytest.mark.parametrize("linker", LINKERS)
def test_the_system_s_own_services_are_damaged(system, build, linker, what):
    """Without a registry who looks something up has an error; without a console programs go on, and are not heard."""
    set_strategy(system, linker).service("files", grants=["image"]).program("greet", opens=["etc/motd"])
    image = waiters(system.file("etc/motd", "A line.\n"), "files").pack()
    file = f"pack/{what}" if linker == "pack" else f"services/{what}"
    alter(image, file_offset(image, file) + 15)
    result = failed(boot(build, image, timeout=TIMEOUT), rf"{file}\b")
    assert file in result.reasons[0] and "is damaged" in result.reasons[0], result.reasons


@pytest.mark.parametrize("linker", LINKERS)
def test_a_damaged_library_has_a_verdict(system, build, linker):
    set_strategy(system, linker).service("files", grants=["image"]).program("greet", opens=["etc/motd"])
    image = waiters(system.file("etc/motd", "A line.\n"), "files").pack()
    alter(image, file_offset(image, "lib/libbootimage.so") + 15)
    packed = linker == "pack"  # by then nothing reads these bytes any more
    result = boot(build, image, timeout=TIMEOUT)
    if not packed or result.outcome.verdict is not Verdict.PASS:
        failed(result, r"libbootimage\.so")


@pytest.mark.parametrize("linker", LINKERS[:3])
@pytest.mark.parametrize(
    ("name", "recipe", "cause"),
    [
        ("services/files", "e_phentsize=1", r"services/files\b.*(?:e_phentsize|0x36)"),
        ("lib/liblog.so", "DT_GNU_HASH=1", r"liblog\.so"),
        ("lib/libdigest.so", "symbol[1].st_name=0x7fffffff", r"libdigest\.so"),
    ],
)
def test_a_malformed_file_has_a_verdict_and_its_cause(build, tmp_path, linker, name, recipe, cause):
    """Its digests are right, so the linkers read it, and the verification afterwards."""
    image = prepare(build, tmp_path, linker)
    found = judge(build, tmp_path, image, Malformed(linker, name, Recipe.parse(recipe)))
    assert found.verdict is Verdict.FAIL and re.search(cause, "\n".join(found.reasons)), found


def test_a_loader_that_faults_is_named(build, tmp_path):
    """It relocates its own ELF header, which is not writable."""
    image = prepare(build, tmp_path, "loader")
    found = judge(build, tmp_path, image, Malformed("loader", "services/loader", Recipe.parse("relr[0]=0")))
    assert found.verdict is Verdict.FAIL and "loader (process 1) was ended for a fault" in found.reasons[0], found
