"""`ambilink boot --gdb`: a real gdb stops in services, libraries and the kernel, and names what it sees."""

import re

import pytest

from ambilink.debug.gdb_script import make_script
from ambilink.debug.places import parse_place
from ambilink.errors import AmbilinkError
from tests.boot.conftest import whole
from tests.boot.debugging import debug, need_gdb

pytestmark = pytest.mark.compiler


@pytest.fixture(autouse=True)
def gdb():
    need_gdb()


def test_a_breakpoint_by_name_in_a_service_under_each_strategy(build, each_strategy):
    image = whole(each_strategy).pack()
    seen = debug(
        build, image, ["services/greet:main", "lib/libc.so:qsort"], ["continue", "info args", "continue", "bt"]
    )
    assert seen.has("(greet)", " main (argc=", "services/greet/main.c:", "argc = 2")
    # Across the library into the program, with the lines of both.
    assert seen.has("qsort", "#1 ", " in main (", "at services/greet/main.c:", "start_program")
    assert "symbols" not in seen.messages and seen.status == 0


def test_all_threads_of_the_system(build, system):
    """Those that do not run have the registers that the kernel saved, and the memory of their process."""
    image = whole(system).pack()
    apply = "thread apply all -q -- info registers cr3 rip"
    commands = ["continue", "info threads", "thread find loader", "thread 2", "bt", "p $xmm0", "p $rip = 1", apply]
    commands += ["thread apply all -q -- bt", "stepi", "info threads", "reverse-stepi"]
    seen = debug(build, image, ["services/greet:main"], commands)
    before, after = re.split(r"\[Switching to thread 2 ", seen.text, maxsplit=1)
    listed = re.findall(r"^([* ]) \d+ +Thread \d+ \"(\w+)\" \((.*?)\) ", before.partition("Id ")[2], re.MULTILINE)
    names = [name for _, name, _ in listed]
    assert listed[0] == ("*", "greet", "the CPU, process 5, thread 5") and names[1] == "loader"
    assert sorted(names) == ["audit", "console", "files", "greet", "loader", "names"]
    assert "process 1, thread 1: waits for a request" in before and "process 6, thread 6: is ready to run" in before
    assert re.search(r"#0  sys_receive .*\n(.*\n)*#3 .* in main \(\) at services/loader/main.c:", after)
    assert "<unavailable>" in after and "Could not write register" in after
    tables = re.findall(r"^cr3 +(0x\w+)", after, re.MULTILINE)
    assert len(tables) == len(set(tables)) == len(names)
    # The callers of each lead through its own program to its first function, and no further.
    for service in ("console", "greet", "names"):
        main = rf"^#\d+ .*\bmain \(.* at services/{service}/main.c:.*\n"
        way = main + r"(#\d+ .*\n)+?#\d+ .* in _start \(\) .*\n(?!#[1-9])"
        assert re.search(way, after, re.MULTILINE)
    assert "in ?? ()" not in after
    assert seen.status == 0


def test_qemu_is_debugged_in_the_same_way(build, system):
    need_gdb("qemu")
    image = whole(system).pack()
    seen = debug(build, image, ["services/greet:main"], ["continue", "info args", "bt"], machine="qemu")
    assert seen.has("(greet)", " main (argc=", "services/greet/main.c:", "argc = 2", "start_program")


def test_a_backtrace_leads_from_a_system_call_through_libraries(build, system):
    image = whole(system).pack()
    seen = debug(
        build, image, ["greet:main", "lib/libipc.so:console_write"], ["continue", "continue", "continue", "bt"]
    )
    frames = re.findall(r"^#\d+ .* at (\S+):\d+$", seen.text, re.MULTILINE)
    wanted = ["libs/ipc/src/console.c", "libs/posix/src/file.c", "musl/src/stdio/", "libs/c/src/start.c"]
    assert [part for part in wanted if not any(part in frame for frame in frames)] == []


def test_a_line_of_a_source_and_a_place_in_any_file(build, system):
    image = whole(system).file("etc/motd", "two\nlines\n").pack()
    text = (build.parents[1] / "services/greet/main.c").read_text().splitlines()
    line = next(number for number, each in enumerate(text, 1) if "qsort(" in each)
    seen = debug(build, image, [f"services/greet:main.c:{line}", "compare_lines"], ["continue", "continue", "bt"])
    assert seen.has("(greet)", f"services/greet/main.c:{line}", "in process 5 (greet)", "compare_lines (left=", "qsort")


def test_statically_linked_services(build, system):
    image = system.program("test-binding-static", linker="kernel").pack()
    places, commands = ["services/test-binding-static:main", "loader:services_boot"], ["continue", "bt"] * 2
    seen = debug(build, image, places, commands)
    assert seen.has("process 1 (loader)", "services/loader/services.c:", "in main ()")
    assert seen.has("(test-binding-static)", "programs/binding.c:", "start_program") and seen.status == 0


def test_the_kernel_its_modules_and_the_list_of_processes(build, system):
    image = whole(system).pack()
    commands = ["continue", "bt", "continue", "bt", "continue", "ambilink processes", "ambilink break kernel:nothing"]
    seen = debug(
        build, image, ["kernel:handover_read", "modules/serial.so:serial_start", "services/greet:main"], commands
    )
    assert seen.has("handover_read (", "boot/kernel/start/handover.c:", "kernel_place (", "boot/kernel/start/main.c:")
    assert seen.has("in the kernel", "serial_start ()", "boot/modules/x86_64/serial.c:")
    assert seen.has("modules/serial.so", "1 loader", "services/loader", "2 names", "lib/libc.so", "* ", "greet")
    assert seen.has("kernel:nothing: there is no such place")


def test_a_backtrace_leads_from_the_kernel_into_who_called_it(build, system):
    image = whole(system).pack()
    commands = ["continue", "ambilink break kernel:clock_wall", "continue", "bt"]
    seen = debug(build, image, ["services/greet:main"], commands)
    kernel = ("clock_wall ()", "system_call_handle (", "<signal handler called>")
    assert seen.has(*kernel, " main (", "services/greet/main.c:")


def test_a_library_that_is_opened_at_run_time(build, system):
    image = system.program("test-dynamic").service("files", grants=["image"])
    image.libraries = ["libplugin.so", "libfixed.so"]
    seen = debug(build, image.pack(), ["lib/libfixed.so:fixed_sum"], ["continue", "bt"])
    assert seen.has("fixed_sum ()", "programs/fixed.c:", "main (", "programs/dynamic.c:")


def test_a_place_that_is_not_there_is_reported(build, system):
    image = whole(system).pack()
    seen = debug(build, image, ["services/greet:main.c:9999"], ["continue"])
    assert seen.has("services/greet:main.c:9999: there is no such place")
    assert seen.status == 0


def test_symbols_of_another_build_are_not_used(build, system, tmp_path):
    image = whole(system).pack()
    other = tmp_path / "other"
    (other / "services").mkdir(parents=True)
    (other / "services/greet").write_bytes((build / "services/audit").read_bytes())
    seen = debug(build, image, ["kernel:process_create"], ["continue", "bt"], root=other)
    assert seen.has("process_create")  # the image has the kernel's symbols itself
    assert "services/greet is of another build" in seen.messages
    assert "no symbols of lib/libc.so" in seen.messages


def test_a_foreign_kernel_has_its_own_symbols(build):
    seen = debug(build, build / "conformance", ["kernel_main"], ["continue", "bt"], more=("--void", "ones"))
    assert seen.has("kernel_main (", "boot/conformance/x86_64/kernel.c:")
    assert seen.status == 0


FILES, SERVICES = ["services/greet", "lib/libc.so"], {"greet": "services/greet", "hello": "services/greet"}


@pytest.mark.parametrize(
    ("text", "file", "service", "spec"),
    [
        ("services/greet:main", "services/greet", "", "main"),
        ("lib/libc.so:malloc", "lib/libc.so", "", "malloc"),
        ("hello:main.c:12", "services/greet", "hello", "main.c:12"),
        ("kernel:panic", "kernel", "", "panic"),
        ("main.c:12", "", "", "main.c:12"),
        ("src/main.c:12", "", "", "src/main.c:12"),
        ("malloc", "", "", "malloc"),
        ("space::function", "", "", "space::function"),
    ],
)
def test_places(text, file, service, spec, tmp_path):
    place = parse_place(text, tmp_path, FILES, SERVICES)
    assert (place.file, place.service, place.spec) == (file, service, spec)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services/gret:main", "did you mean services/greet"),
        ("libc.so:malloc", "did you mean lib/libc.so"),
        ("xyzzy:main", "ambilink image ls"),
        ("greet:", "no place"),
        ("", "no place"),
        ("gre\net:main", "no place"),
    ],
)
def test_places_that_are_refused(text, message, tmp_path):
    with pytest.raises(AmbilinkError, match=message):
        parse_place(text, tmp_path, FILES, SERVICES)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("services/greet:mian", "services/greet has no function mian, for services/greet:mian; did you mean main?"),
        ("greet:mian", "has no function mian"),
        ("mallok", "the image's files have no function mallok, for mallok; did you mean malloc"),
        ("kernel:kernel_mian", "kernel has no function kernel_mian, for kernel:kernel_mian; did you mean kernel_main"),
        ("greet:mian.c:12", "services/greet has no source mian.c"),
    ],
)
def test_functions_that_are_not_there_are_refused_before_the_machine_starts(build, place, message):
    with pytest.raises(AmbilinkError, match=re.escape(message)):
        make_script(build / "boot.img", build, 0, [place])


def test_functions_that_are_there(build):
    places = ["main", "greet:main", "lib/libc.so:malloc", "kernel:kernel_main", "greet:main.c:10", "*0x1000", "a+b"]
    assert make_script(build / "boot.img", build, 0, places).missing == ()
