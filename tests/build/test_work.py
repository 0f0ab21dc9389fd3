"""How much is done again after a change: counted, not timed."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def system(pair):
    """The pair, with golden ABIs, an image of it, and more users of the lower library."""
    for name in ("one", "two"):
        pair.write(f"{name}.c", "#include <low.h>\nvoid _start(void) { for (;;) low(1); }\n")
    pair.write("k.lds", "SECTIONS { . = 0x100000; .all : { *(.text*) *(.data*) *(.bss*) } }")
    pair.write("k.c", "char image_place[16] = {1}; void _start(void) {}\n")
    services = '[[service]]\nname = "user"\nrole = "program"\n[[service]]\nname = "one"\n'
    pair.write("boot.toml", f'loader = "alone"\n{services}')
    pair.sconstruct(
        'env.DualLibrary("high", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.DualLibrary("low", ["low/low.c", "low/other.c"], includes=["low/include"])\n'
        'env.Service("user", ["main.c"], LIBS=["high"])\n'
        'env.Service("one", ["one.c"], LIBS=["low"])\n'
        'env.Service("two", ["two.c"], LIBS=["low"])\n'
        'env.Service("alone", ["main.c"], LIBS=["high"], linkage="static")\n'
    )
    pair.write("low/other.c", "int other(void) { return 1; }\n")
    pair.good()
    return pair


def made(tree, *words: str) -> list[str]:
    """Word and file of each step, without folders."""
    lines = [line.split() for line in tree.good(*words).splitlines() if line.startswith("  ")]
    return sorted(f"{line[0]} {os.path.basename(line[1])}" for line in lines if len(line) == 2 and line[0].isupper())


BODY = ["ABI liblow.abi", "AR liblow.a", "CC low.c.o", "LD alone", "LD liblow.so"]


def edit(tree, name: str, old: str, new: str) -> None:
    path = tree.folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_changed_body_relinks_no_user_of_the_shared_object(system):
    edit(system, "low/low.c", "x + low_data", "x - low_data")
    assert made(system) == BODY


def test_an_added_export_relinks_exactly_the_users(system):
    edit(system, "low/low.c", "int low(int x)", "int more(void) { return 2; }\nint low(int x)")
    users = ["LD libhigh.so", "LD user", "LD one", "LD two"]
    assert made(system) == sorted([*BODY, "STUB liblow.so", *users])


def test_data_that_grows_is_a_change_of_the_abi(system):
    edit(system, "low/low.c", "int low_data = 3;", "int low_data = 3, pad[2];")
    assert "STUB liblow.so" in made(system)
    edit(system, "low/low.c", "pad[2]", "pad[3]")
    assert "STUB liblow.so" in made(system)


@pytest.mark.parametrize("comment", ["/* said */ int low(int x)", "int low(int x) /* said */"])
def test_a_comment_stops_after_the_compile(system, comment):
    edit(system, "low/low.c", "int low(int x)", comment)
    assert made(system) == ["CC low.c.o"]


def test_a_comment_with_debug_information(pair):
    """Line numbers move: the debug file changes, what is shipped does not."""
    edit(pair, "SConstruct", '["-O1"]', '["-O1", "-gdwarf-4"]')
    pair.good()
    shipped = {path: path.read_bytes() for path in [pair.out / "lib/liblow.so", pair.out / "services/alone"]}
    debug = (pair.out / "lib/liblow.so.debug").read_bytes()
    edit(pair, "low/low.c", "int low(int x)", "/* said */ int low(int x)")
    assert "LD user" not in made(pair)
    edit(pair, "low/low.c", "int low(int x)", "\n\nint low(int x)")
    assert "LD liblow.so" in made(pair)
    assert {path: path.read_bytes() for path in shipped} == shipped
    assert (pair.out / "lib/liblow.so.debug").read_bytes() != debug


def test_touched_and_put_back(system):
    path = system.folder / "low/low.c"
    os.utime(path)
    assert made(system) == []
    old = path.read_text()
    path.write_text(old.replace("x +", "x -"))
    assert "CC low.c.o" in made(system)
    path.write_text(old)
    assert made(system) == BODY


def test_an_altered_or_removed_output_is_made_again(system):
    library, listed = system.out / "lib/liblow.so", system.out / "obj/low/pic/low/low.c.o"
    good, object_file = library.read_bytes(), listed.read_bytes()
    library.write_bytes(good[:-8] + b"tampered")
    assert made(system) == ["LD liblow.so"] and library.read_bytes() == good
    library.unlink()
    assert made(system) == ["LD liblow.so"] and library.read_bytes() == good
    listed.write_bytes(object_file + b"\0")
    assert made(system) == ["CC low.c.o"] and listed.read_bytes() == object_file
    listed.unlink()
    assert made(system) == ["CC low.c.o"]
    debug = system.out / "services/one.debug"
    debug.unlink()
    assert made(system) == ["LD one"] and debug.exists()


def test_a_golden_abi_lets_users_build_first(tree):
    """Two libraries that need each other: neither waits for the other, and none is linked twice."""
    tree.write("a.c", "int b(void); int a(void) { return b(); }\n")
    tree.write("b.c", "int a(void); int b(void) { return (int)(long)a; }\n")
    tree.write("a.abi", "soname liba.so\nneeded libb.so\nfunc a\n")
    tree.write("b.abi", "soname libb.so\nneeded liba.so\nfunc b\n")
    tree.write("main.c", "int a(void); void _start(void) { a(); }\n")
    tree.sconstruct(
        'env.DualLibrary("a", ["a.c"], LIBS=["b"], abi="a.abi")\n'
        'env.DualLibrary("b", ["b.c"], LIBS=["a"], abi="b.abi")\n'
        'env.Service("user", ["main.c"], LIBS=["a"])\n'
    )
    steps = made(tree, str(tree.out / "services/user"))
    assert steps == ["CC main.c.o", "LD user", "RT programs.a", "STUB liba.so", "STUB libb.so"]
    assert sorted(step for step in made(tree) if step.startswith("LD")) == ["LD liba.so", "LD libb.so"]


def test_abi_update_accepts_a_change(pair):
    pair.write("low.abi", "soname liblow.so\nfunc gone\n")
    pair.sconstruct(
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"], abi="low.abi")\nenv.AbiUpdate("abi-update")\n'
    )
    output = pair.bad()
    assert "removed func gone" in output and "programs that were linked before may fail" in output
    pair.good("abi-update")
    assert (pair.folder / "low.abi").read_text() == "soname liblow.so\nfunc low\ndata low_data 4\n"
    pair.good()


def test_one_jobs_number_holds_for_everything(pair):
    """With -j1 no two compilers run at a time, whatever starts them."""
    log = pair.folder / "log"
    script = pair.write("launch", f'#!/bin/sh\necho + >> {log}\n"$@"\nstatus=$?\necho - >> {log}\nexit $status\n')
    script.chmod(0o755)
    for number in range(6):
        pair.write(f"low/{number}.c", f"int f{number}(void) {{ return {number}; }}\n")
    pair.more = f"AMBILINK_LAUNCHER={str(script)!r}, "
    pair.sconstruct(
        'env.DualLibrary("low", Glob("low/*.c"), includes=["low/include"])\nenv.DualLibrary("b", ["one.c"])\n'
    )
    pair.write("one.c", "int one(void) { return 1; }\n")
    pair.good("-j1")
    assert log.read_text().split() == ["+", "-"] * 8
    log.write_text("")
    pair.good("-c")
    pair.good("-j4")
    running = most = 0
    for sign in log.read_text().split():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert 1 < most <= 4


def test_warnings_come_whole(pair):
    """What one compiler prints is not mixed with what another does."""
    for number in range(12):
        unused = "\n".join(f"    int unused_{number}_{line};" for line in range(20))
        pair.write(f"low/{number}.c", f"int f{number}(void)\n{{\n{unused}\n    return 0;\n}}\n")
    edit(pair, "SConstruct", '["-O1"]', '["-O1", "-Wall"]')
    text = (pair.folder / "SConstruct").read_text().replace('["low/low.c"]', 'Glob("low/*.c")')
    (pair.folder / "SConstruct").write_text(text)
    output = pair.good("-j4")
    order = [
        line.split("unused_")[1].split("_")[0] for line in output.splitlines() if "warning: unused variable" in line
    ]
    assert len(order) == 12 * 20
    assert sum(a != b for a, b in itertools.pairwise(order)) == 11


@pytest.mark.parametrize("moment", [0.35, 0.5, 0.65, 0.8])
def test_a_killed_build_goes_on(pair, moment):
    """kill -9 in the middle, then again: the result is that of an undisturbed build, and nothing is half-written."""
    for number in range(40):
        pair.write(f"low/{number}.c", f"#include <low.h>\nint f{number}(void) {{ return low({number}); }}\n")
    pair.sconstruct('env.DualLibrary("low", Glob("low/*.c"), includes=["low/include"])\n')
    killed = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-j2"], cwd=pair.folder, stdout=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(moment)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = {path for path in pair.out.rglob("*.o")}
    output = pair.good("-j2")
    assert output.count("  CC ") >= 41 - len(before)
    assert not [path for path in pair.out.rglob("*") if path.suffix in (".part", ".d") or ".new" in path.name]
    result = {path.relative_to(pair.out): path.read_bytes() for path in pair.out.rglob("*") if path.is_file()}
    shutil.rmtree(pair.folder / "build")
    pair.good("-j2")
    assert {path.relative_to(pair.out): path.read_bytes() for path in pair.out.rglob("*") if path.is_file()} == result


def test_an_object_by_itself(pair):
    """Objects have no nodes of their own until one is asked for."""
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write('env.Install("out", env["AMBILINK"].libraries["low"].objects)\n')
    pair.good("out")
    assert (pair.folder / "out/low.c.o").read_bytes() == (pair.out / "obj/low/pic/low/low.c.o").read_bytes()


def test_built_sources_and_headers(pair):
    """What others build is compiled after it was built, and again when it changed."""
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write(
            "def header(target, source, env):\n"
            "    open(target[0].path, 'w').write('#define MADE ' + source[0].get_text_contents())\n"
            "def code(target, source, env):\n"
            "    open(target[0].path, 'w').write('#include <made.h>\\nint made(void) { return MADE; }\\n')\n"
            'env.Command("gen/made.h", "value", header)\n'
            'env.Command("gen/made.c", [], code)\n'
            'env.DualLibrary("gen", ["gen/made.c"], includes=["gen"])\n'
        )
    pair.write("value", "7")
    steps = made(pair, str(pair.out / "lib/libgen.so"))
    assert "CC made.c.o" in steps
    pair.write("value", "8")
    assert "CC made.c.o" in made(pair, str(pair.out / "lib/libgen.so"))
    assert made(pair, str(pair.out / "lib/libgen.so")) == []


def test_why_tells_the_chain(system):
    edit(system, "low/low.c", "x + low_data", "x - low_data")
    system.good()
    command = [sys.executable, "-m", "ambilink", "why", str(system.out / "services/alone")]
    done = subprocess.run(command, cwd=system.folder, capture_output=True, text=True)
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert len(lines) == 4, done.stdout + done.stderr
    assert "services/alone was linked at" in lines[0] and lines[0].endswith("lib/liblow.a changed")
    assert "lib/liblow.a was archived at" in lines[1] and "1 of 2 objects were compiled" in lines[2]
    assert "low.c.o was compiled at" in lines[3] and lines[3].endswith(": low/low.c changed")
    done = subprocess.run([*command[:-1], "nothing"], cwd=system.folder, capture_output=True, text=True)
    assert done.returncode == 1 and "was never made" in done.stderr


def test_a_profile_is_a_trace(system):
    import json

    with (system.folder / "SConstruct").open("a") as stream:
        stream.write('env.Profile("profile", [env["AMBILINK"].build], "profile.json")\n')
    system.good("-c")
    output = system.good("profile")
    assert "profile.json: " in output
    events = [event for event in json.loads((system.folder / "profile.json").read_text())["traceEvents"]]
    steps = [event for event in events if event["ph"] == "X"]
    assert {event["cat"] for event in steps} == {"CC", "LD", "AR", "ABI", "STUB", "RT"}
    for slot in {event["tid"] for event in steps}:  # one thing at a time in each job slot
        times = sorted((event["ts"], event["ts"] + event["dur"]) for event in steps if event["tid"] == slot)
        assert all(end <= start + 2 for (_, end), (start, _) in itertools.pairwise(times))


def test_a_graph_is_a_drawing(system):
    from xml.etree import ElementTree

    command = [sys.executable, "-m", "ambilink", "graph", "--output", "graph.svg"]
    subprocess.run(command, cwd=system.folder, check=True)
    svg = (system.folder / "graph.svg").read_text()
    texts = [each.text for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"low", "high", "user", "alone", "one", "two", "static + shared", "service, dynamic"} <= set(texts)
    titles = [each.text for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]
    assert "high links low" in titles and "alone links high" in titles and "user links low" not in titles


def test_sizes_and_times_are_told(system):
    system.good("-c")
    output = system.good()
    row = next(line.split() for line in output.splitlines() if line.strip().startswith("lib/liblow.so"))
    assert int(row[1].replace(",", "")) == (system.out / "lib/liblow.so").stat().st_size
    assert int(row[2].replace(",", "")) == sum(
        Path(f"{system.out}/lib/liblow.so{suffix}").stat().st_size for suffix in ("", ".debug")
    )
    assert int(row[3].replace(",", "")) == (system.out / "lib/liblow.a").stat().st_size
    assert "compiled (" in output and " s in all" in output
