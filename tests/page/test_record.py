"""The record of a boot: whole, adding up, refused where it is another's; and what is made of it without a browser."""

import copy
import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from ambilink.boot import boot_and_verify
from ambilink.bootimage.container import read
from ambilink.elf.inspect import inspect_data
from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootRequest
from ambilink.report.boot_trace import boot_trace
from ambilink.report.junit import junit
from ambilink.report.page.document import page
from ambilink.report.record import FORMAT, as_json, read_record
from ambilink.report.record_shape import SHAPE, Each, Later, Maybe, check_shape
from ambilink.report.visible import visible
from ambilink.verify.page_tables import user_pages

from .records import ATTACKS, LINE, with_attacks


@pytest.fixture(scope="module")
def result(build):
    return boot_and_verify("emulator", BootRequest(build / "boot.img"), build)


@pytest.fixture(scope="module")
def record(result):
    return json.loads(json.dumps(as_json(result)))


def ambilink(*words, expect=0):
    done = subprocess.run([sys.executable, "-m", "ambilink", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def test_parts_add_up(record, build):
    assert sum(part["bytes"] for part in record["image"]["parts"]) == (build / "boot.img").stat().st_size
    memory = record["memory"]
    assert sum(part["bytes"] for part in memory["parts"]) == memory["bytes"] == 128 << 20
    assert all(part["bytes"] >= 0 for part in memory["parts"] + record["image"]["parts"])
    in_use = sum(part["bytes"] for part in memory["parts"] if part["kind"] in ("private", "common", "tables"))
    assert in_use == memory["used"] * 4096


def test_shared_and_private_are_what_the_page_tables_show(result, record):
    users, image = Counter(), result.image
    for process in result.state.processes:
        users.update({page.frame for page in user_pages(result.outcome.memory, process.page_table)})
    start = image.archive_address
    found = Counter()
    for frame, count in users.items():
        inside = start <= frame < start + len(image.archive.data)
        found["shared" if inside else "common" if count > 1 else "private"] += 4096 if count > 1 or not inside else 0
        found["single"] += 4096 if inside and count == 1 else 0
    found["image"] = len(image.archive.data) - found["shared"] - found["single"]
    shown = Counter()
    for part in record["memory"]["parts"]:
        shown[part["kind"]] += part["bytes"]
    assert all(shown[kind] == size for kind, size in found.items()), (shown, found)
    assert shown["shared"] and shown["private"] and shown["common"]


def test_parts_of_the_image_are_where_they_are_said_to_be(record, build):
    """The image's own section headers, which others read too, are another witness."""
    from elftools.elf.elffile import ELFFile

    with (build / "boot.img").open("rb") as stream:
        sections = {s.name: (s["sh_offset"], s["sh_size"]) for s in ELFFile(stream).iter_sections()}
    parts = {part["name"]: (part["offset"], part["bytes"]) for part in record["image"]["parts"]}
    files = [file.name for file in read(build / "boot.img").archive.files]
    assert files and all(parts[name] == sections[name] for name in files)


def test_forms_are_the_files_of_the_build(record, build):
    forms, archive = {form["name"]: form for form in record["forms"]}, read(build / "boot.img").archive
    assert forms["loader"]["kind"] == "static" and forms["greet"]["kind"] == "dynamic"
    assert not any(name.startswith("test-") for name in forms)
    for form in forms.values():
        for file in form["forms"].values():
            packed = archive.file(file["file"])  # without what a loader does not need
            assert file["bytes"] == (packed.size if packed else (build / file["file"]).stat().st_size)
    assert forms["c"]["forms"]["shared"]["in_image"] and not forms["c"]["forms"]["static"]["in_image"]
    assert not forms["rtld"]["forms"]["shared"]["in_image"]  # only the loader service has it, in itself


def test_forms_without_a_build(build, tmp_path):
    """An image alone shows what its files need."""
    image = shutil.copy(build / "boot.img", tmp_path / "alone.img")
    result = boot_and_verify("emulator", BootRequest(tmp_path / "alone.img"), tmp_path)
    forms = {form["name"]: form for form in as_json(result)["forms"]}
    archive = read(tmp_path / "alone.img").archive
    greet = inspect_data(archive.contents(archive.file("services/greet")), image)
    assert forms["greet"]["needs"] == [soname[3:].removesuffix(".so") for soname in greet.needed]
    assert forms["loader"]["kind"] == "static" and forms["serial"]["kind"] == "module"


def test_every_record_has_the_shape_and_every_key_is_described(record, top):
    check_shape(record, "x")
    assert record.keys() == SHAPE.keys()
    text = (top / "docs/boot-record.md").read_text()

    def keys(shape):
        if isinstance(shape, dict):
            for key, value in shape.items():
                yield key
                yield from keys(value)
        elif isinstance(shape, list):
            yield from keys(shape[0])
        elif isinstance(shape, Maybe | Each):
            yield from keys(shape.shape)

    assert not [key for key in keys(SHAPE) if f"`{key}`" not in text]


def test_records_of_others_are_refused(record, tmp_path):
    path = tmp_path / "boot.json"
    for other in (FORMAT - 1, FORMAT + 1, "2"):
        path.write_text(json.dumps({**record, "format": other}))
        with pytest.raises(AmbilinkError, match=rf"boot\.json: has format {other}; this program reads format {FORMAT}"):
            read_record(path)
    for text in ("", "[]", "{}", "nothing", "[" * 100_000, '"\\ud800"'):
        path.write_text(text)
        with pytest.raises(AmbilinkError, match="is no record of a boot"):
            read_record(path)


def damaged(record):
    """Copies, each with one value gone or of another kind."""
    for key in record:
        if key not in ("format", "verdict") and not isinstance(SHAPE[key], Later):
            yield {name: value for name, value in record.items() if name != key}, key
    for key, wrong in [("seconds", "1"), ("console", {}), ("passed", 1), ("verdict", "maybe"), ("memory", None)]:
        yield {**record, key: wrong}, key
    for change in (
        lambda it: it["processes"][0].update(instants={}),
        lambda it: it["console"][0].update(text=7),
        lambda it: it["checks"][0].update(result="<b>"),
        lambda it: it["image"]["parts"][0].update(bytes=True),
        lambda it: it["forms"][0]["forms"].update(shared=[]),
    ):
        other = copy.deepcopy(record)
        change(other)
        yield other, ""


def test_damaged_records_are_refused_by_key(record, tmp_path):
    path = tmp_path / "boot.json"
    for other, key in damaged(record):
        path.write_text(json.dumps(other))
        with pytest.raises(AmbilinkError, match=f"is no whole record of a boot: {key}"):
            read_record(path)


def test_odd_numbers_are_refused_or_shown(record, tmp_path):
    """Each number in turn is another that its place may have, or must not have."""

    def places(value, *way):
        if isinstance(value, dict | list):
            for key, each in value.items() if isinstance(value, dict) else list(enumerate(value))[:1]:
                yield from places(each, *way, key)
        elif isinstance(value, int | float) and not isinstance(value, bool) and way != ("format",):
            yield way

    def changed(way, value):
        other = copy.deepcopy(record)
        inner = other
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = value
        return other

    path, refused, shown = tmp_path / "boot.json", 0, 0
    for way in places(record):
        for value in (0, 2**63, -1, 10**400, float("nan")):
            other = changed(way, value)
            path.write_text(json.dumps(other))
            try:
                found = read_record(path)
            except AmbilinkError:
                refused += 1
                continue
            shown += 1
            if value == (0, 2**63)[shown % 2]:  # a page takes time
                page(found), junit(found), boot_trace(found)
    assert refused > 100 and shown > 50


def test_what_a_guest_writes_is_no_markup(record):
    """Only this program's own elements are on the page; a browser judges that in test_page.py."""
    tags, attributes = set(), set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)
            attributes.update(name for name, _ in attrs)

        handle_startendtag = handle_starttag

        def handle_comment(self, data):
            tags.add("comment")

    Reader().feed(page(record))
    known = set(tags), set(attributes)
    document = page(with_attacks(record))
    Reader().feed(document)
    assert tags - known[0] <= {"h3", "pre", "tfoot"} and attributes - known[1] <= set()
    assert "script" not in tags and not any(name.startswith("on") for name in attributes)
    assert not any(letter in document for letter in "\x00\x1b\x07\x7f\x9b\x85\u202e\u2028\ufeff")
    document.encode()  # no half of a surrogate is left
    page({**record, "console": [{**LINE, "text": "\ud800 alone"}]}).encode()


def test_control_characters_are_symbols():
    assert visible("a\x1b[0m\x00\x7f\tb\x9b") == "a\u241b[0m\u2400\u2421\tb\u27e8U+009B\u27e9"
    assert visible("ünï 漢 \U0001f427") == "ünï 漢 \U0001f427"


def test_junit_is_read_back(record):
    suite = ElementTree.fromstring(junit(record)).find("testsuite")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [check["name"] for check in record["checks"]]
    assert int(suite.get("tests")) == len(cases) and suite.get("failures") == suite.get("errors") == "0"
    assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped")) == 1  # no lines were expected
    assert suite.find("system-out").text.splitlines() == [line["text"] for line in record["console"]]


def test_junit_of_a_failure(record):
    suite = ElementTree.fromstring(junit(with_attacks(record))).find("testsuite")
    failures = suite.findall("testcase/failure")
    assert len(failures) == int(suite.get("failures")) == len(record["checks"])
    assert all(visible(ATTACKS[0]) in failure.text for failure in failures)
    broken = ElementTree.fromstring(junit({**with_attacks(record), "verdict": "broken"})).find("testsuite")
    assert broken.findall("testcase/error") and not broken.findall("testcase/failure")


def test_files_after_a_failed_boot(build, tmp_path):
    """All are written; a second boot of the image compares with nothing new."""
    (tmp_path / "expect").write_text("this never comes\n")
    outputs = {option: tmp_path / f"boot.{option}" for option in ("log", "record", "html", "junit", "trace")}
    words = [word for option, path in outputs.items() for word in (f"--{option}", path)]
    ambilink("boot", build / "boot.img", "--expect", tmp_path / "expect", *words, expect=1)
    assert all(path.stat().st_size for path in outputs.values())
    record = read_record(outputs["record"])
    (failed,) = [check for check in record["checks"] if check["result"] == "failed"]
    assert failed["detail"] == f"{tmp_path / 'expect'}:1: not found: this never comes" and not record["passed"]
    assert outputs["log"].read_text().splitlines()[-1].startswith("emulator: FAILED")
    again = {option: tmp_path / f"again.{option}" for option in ("html", "junit", "trace")}
    words = [word for option, path in again.items() for word in (f"--{option}", path)]
    ambilink("report", outputs["record"], *words, expect=1)
    assert all(path.read_bytes() == outputs[option].read_bytes() for option, path in again.items())


def test_sizes_against_the_last_build(record, build, tmp_path):
    path = tmp_path / "boot.json"
    before = copy.deepcopy(record)
    before["image"]["digest"] = "another"
    before["image"]["parts"][3]["bytes"] -= 1000
    before["image"]["parts"].append({"name": "lib/gone.so", "kind": "library", "offset": 0, "bytes": 12})
    path.write_text(json.dumps(before))
    for more in ([], ["--html", tmp_path / "boot.html"]):  # again, the same image compares with the same one
        ambilink("boot", build / "boot.img", "--record", path, *more)
        compared = read_record(path)["compared"]
        assert compared["parts"]["lib/gone.so"] == 12
    document = (tmp_path / "boot.html").read_text()
    assert 'value="1000" class="more">+1,000 B' in document and "lib/gone.so" in document
    path.write_text("damaged")  # what is to be replaced may be anything
    ambilink("boot", build / "boot.img", "--record", path)
    assert read_record(path)["compared"] is None


def test_arguments_of_report(record, tmp_path):
    path = tmp_path / "boot.json"
    path.write_text(json.dumps(record))
    assert "give --html, --junit or --trace" in ambilink("report", path, expect=2).stderr
    assert "does not exist" in ambilink("report", path, "--html", tmp_path / "no/x.html", expect=2).stderr
    path.write_text("{}")
    assert "is no record of a boot" in ambilink("report", path, "--html", tmp_path / "x.html", expect=1).stderr
    assert not (tmp_path / "x.html").exists()


def test_a_machine_that_is_not_there_is_a_skipped_test(build, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    words = [
        "boot",
        build / "boot.img",
        "--machine",
        "qemu",
        "--junit",
        tmp_path / "x.xml",
        "--html",
        tmp_path / "x.html",
    ]
    ambilink(*words, expect=77)
    suite = ElementTree.parse(tmp_path / "x.xml").getroot().find("testsuite")
    assert suite.get("skipped") == "1" and "not on the PATH" in suite.find("testcase/skipped").get("message")
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("counted", [True, False])
def test_the_trace_keeps_to_its_format(record, counted):
    """Trace Event Format: complete events with duration, instant events with scope, metadata first named."""
    changed = record if counted else {**record, "instructions": None}
    events = json.loads(boot_trace(changed))["traceEvents"]
    named = {(event["pid"], event["args"]["name"]) for event in events if event["name"] == "process_name"}
    assert {name for _, name in named} >= {process["name"] for process in record["processes"]}
    for event in events:
        assert event["ph"] in "MXi" and isinstance(event["pid"], int) and isinstance(event["tid"], int)
        assert event["ph"] == "M" or event["ts"] >= 0
        assert event["ph"] != "X" or event["dur"] > 0
        assert event["ph"] != "i" or event["s"] in "gpt"
    for process in record["processes"]:
        phases = [event for event in events if event["ph"] == "X" and event["pid"] == process["number"]]
        for one, other in itertools.pairwise(phases):
            assert one["ts"] + one["dur"] == pytest.approx(other["ts"])
