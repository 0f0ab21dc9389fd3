"""Random edits of a model, as steps."""

import copy
import random
import signal
from collections.abc import Callable
from pathlib import Path

from .model import Library, Model, Program, Source, render
from .operations import Build, Damage, Date, Operation, Remove, Step, Write

DAY = 86400.0
DAMAGES = ("removed", "emptied", "cut", "longer", "flipped", "replaced")
RECORDS = (".sconsign.dblite", "build/.ambilink")
Edit = Callable[["Editor"], str | None]  # what it did in words; None: it does not fit the tree


class Editor:
    """Makes steps, each from the tree that the last one left."""

    def __init__(self, rng: random.Random, model: Model, left_out: frozenset[str] = frozenset()) -> None:
        self.rng, self.model = rng, model
        self.files = render(model)
        self.left_out = left_out
        self.raw: list[Operation] = []  # of the edit in hand, beside what the model changes
        self.build = Path("build")
        self.tree = Path()
        self.edits = {name: edit for name, edit in EDITS.items() if name not in left_out}
        self.number = 0  # of values: no two are the same

    def fresh(self) -> int:
        self.number += 1
        return 1000 + self.number

    def library(self, feature: str = "") -> Library | None:
        found = [each for each in self.model.libraries.values() if not feature or feature in each.features]
        return self.rng.choice(found) if found else None

    def step(self, tree: Path) -> Step:
        """The next edit. `tree` is only looked at, for what was built."""
        self.tree = tree
        if self.model.broken and self.rng.random() < 0.7:
            self.model.broken.clear()
            return self._step("it is repaired")
        while True:
            name = self.rng.choice(list(self.edits))
            before = copy.deepcopy(self.model)
            self.raw = []
            title = self.edits[name](self)
            if title is None:
                self.model = before
                continue
            return self._step(f"{name}: {title}")

    def _step(self, title: str) -> Step:
        rng, after = self.rng, render(self.model)
        date = rng.choice((None, None, None, None, -DAY, DAY, -900 * DAY, 0.5))
        if "future" in self.left_out and date is not None and date > 0:
            date = None
        changes: list[Operation] = [Remove(path) for path in self.files if path not in after]
        changes += [Write(path, text, date) for path, text in after.items() if self.files.get(path) != text]
        self.files = after
        operations = [*changes, *self.raw]
        self.raw = []
        writes = [each for each in changes if isinstance(each, Write)]
        if rng.random() < 0.25:
            disturbed = Build([f"-j{rng.choice((1, 2, 4))}"], self.variables, after=rng.uniform(0.2, 4.0))
            if rng.random() < 0.25 and writes and not self.model.broken:
                # It is edited while a build runs that saw the first half of the edit.
                disturbed.meanwhile = writes[-1:]
                operations.remove(writes[-1])
            else:
                disturbed.signal = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
                disturbed.group = rng.random() < 0.5
            operations.append(disturbed)
            if rng.random() < 0.3:
                again = Build(["-j2"], self.variables, signal.SIGKILL, rng.uniform(0.2, 3.0), True)
                operations.append(again)
        elif rng.random() < 0.1:
            unit = rng.choice(list(self.model.programs))
            operations.append(Build([f"build/out/services/{unit}"], self.variables))
        return Step(title, operations, self.variables, rng.choice((1, 2, 2, 4, 16)), bool(self.model.broken))

    @property
    def variables(self) -> dict[str, str]:
        return {"AMBILINK_SOAK": str(self.model.variables)} if self.model.variables else {}


EDITS: dict[str, Edit] = {}


def edit(function: Edit) -> Edit:
    EDITS[function.__name__.replace("_", " ")] = function  # type: ignore[attr-defined]
    return function


def value_of(feature: str, name: str) -> None:
    """An edit of a number that files of a feature hold."""

    def change(editor: Editor) -> str | None:
        library = editor.library(feature)
        if library is None:
            return None
        setattr(library, name, editor.fresh())
        return f"{library.name} ({feature})"

    EDITS[f"{feature}, {name}"] = change


for _feature, _name in (
    ("payload of C", "payload"),
    ("payload of assembly", "payload"),
    ("assembly include", "payload"),
    ("generated header", "made"),
    ("generated source", "made"),
    ("script with INCLUDE", "payload"),
    ("subfolder", "made"),
    ("linked source", "payload"),
    ("linked source", "made"),
    ("linked folder", "made"),
    ("linked folder", "payload"),
    ("second library on the same source", "made"),
    ("file that the script reads", "made"),
    ("", "value"),
):
    value_of(_feature, _name)


@edit
def body(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    source = editor.rng.choice(library.sources)
    source.value = editor.fresh()
    return f"{library.name}/{source.name}"


EDITS["another body"] = EDITS["body"]  # the most frequent kind


@edit
def program_body(editor: Editor) -> str:
    program = editor.rng.choice(list(editor.model.programs.values()))
    program.value = editor.fresh()
    return program.name


@edit
def comment(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    library.sources[0].comment = editor.fresh()
    return library.name


@edit
def body_goes_back(editor: Editor) -> str:
    """To a value of long ago: what is remembered of then may be right again."""
    library = editor.library()
    assert library is not None
    library.sources[-1].value = 7
    return library.name


@edit
def common_header(editor: Editor) -> str:
    editor.model.common = editor.fresh()
    return "common.h"


@edit
def size_of_data(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    library.size = editor.rng.randint(1, 40)
    return library.name


@edit
def flags(editor: Editor) -> str:
    unit: Library | Program = editor.rng.choice([*editor.model.libraries.values(), *editor.model.programs.values()])
    unit.flags = editor.rng.choice(([], ["-O2"], [f"-DUNUSED={editor.fresh()}"], ["-g"]))
    return f"{unit.name} {unit.flags}"


@edit
def defines(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    library.defines = [] if library.defines else [f"{library.name}_FLAVOUR={editor.fresh()}"]
    return library.name


@edit
def global_settings(editor: Editor) -> str:
    model = editor.model
    which = editor.rng.randrange(4)
    if which == 0:
        model.defines = [] if model.defines else [f"EVERYWHERE={editor.fresh()}"]
    elif which == 1:
        model.level = "-O2" if model.level == "-O1" else "-O1"
    elif which == 2:
        model.sections = not model.sections
    else:
        model.variables = editor.fresh()
    return ("CPPDEFINES", "optimisation", "profile", "environment variable")[which]


@edit
def image(editor: Editor) -> str:
    model, dynamic = editor.model, [p.name for p in editor.model.programs.values() if p.linkage == "dynamic"]
    which = editor.rng.randrange(3)
    if which == 0:
        model.text = editor.fresh()
    elif which == 1 and dynamic:
        model.image = editor.rng.sample(dynamic, editor.rng.randint(1, min(4, len(dynamic))))
    else:
        model.command_line = editor.fresh()
    return ("a file", "its programs", "command line")[which]


@edit
def source_added(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    number = max(source.number for source in library.sources) + 1
    folder = editor.rng.choice(("src", "src", "src/inside"))
    library.sources.append(Source(f"{folder}/s{number}.c", number, editor.fresh()))
    return f"{library.name} {folder}/s{number}.c"


@edit
def source_removed(editor: Editor) -> str | None:
    library = editor.library()
    if library is None or len(library.sources) < 2:
        return None
    gone = library.sources.pop()
    return f"{library.name} {gone.name}"


@edit
def source_renamed(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    source = editor.rng.choice(library.sources)
    old, folder = source.name, editor.rng.choice(("src", "src", "src/moved"))
    source.name = f"{folder}/n{editor.fresh()}.c"
    if library.shadow and "src/" in old and folder != "src":
        library.shadow = ""
    return f"{library.name} {old} -> {source.name}"


@edit
def library_needs_more_or_less(editor: Editor) -> str:
    library = editor.library()
    assert library is not None
    others = [name for name in editor.model.libraries if name != library.name and name not in library.libs]
    if library.libs and (editor.rng.random() < 0.5 or not others):
        gone = library.libs.pop(editor.rng.randrange(len(library.libs)))
        if library.shadow == gone:
            library.shadow = ""
        return f"{library.name} without {gone}"
    library.libs.append(editor.rng.choice(others))
    return f"{library.name} with {library.libs[-1]}"


@edit
def program_needs_more_or_less(editor: Editor) -> str:
    program = editor.rng.choice(list(editor.model.programs.values()))
    program.libs = editor.rng.sample(list(editor.model.libraries), min(len(editor.model.libraries), 3))
    return program.name


@edit
def linkage(editor: Editor) -> str | None:
    program = editor.rng.choice(list(editor.model.programs.values()))
    if program.name in editor.model.image:
        return None
    program.linkage = "static" if program.linkage == "dynamic" else "dynamic"
    return f"{program.name} {program.linkage}"


@edit
def library_added(editor: Editor) -> str:
    name = f"n{editor.fresh()}"
    libs = editor.rng.sample(list(editor.model.libraries), min(2, len(editor.model.libraries)))
    editor.model.libraries[name] = Library(name, libs, [Source("src/s0.c", 0, 5)], set(), True, True)
    user = editor.rng.choice(list(editor.model.programs.values()))
    user.libs = [*user.libs, name]
    return f"{name} for {user.name}"


@edit
def library_removed(editor: Editor) -> str | None:
    model = editor.model
    if len(model.libraries) < 5:
        return None
    gone = editor.rng.choice(list(model.libraries))
    del model.libraries[gone]
    for unit in (*model.libraries.values(), *model.programs.values()):
        unit.libs = [name for name in unit.libs if name != gone]
        if isinstance(unit, Library) and unit.shadow == gone:
            unit.shadow = ""
    return gone


@edit
def form(editor: Editor) -> str | None:
    library = editor.library()
    assert library is not None
    feature = editor.rng.choice(("separate objects", "only static", "version script", "script in link flags"))
    library.features ^= {feature}
    if {"only static", "separate objects"} <= library.features:  # it could not stand in dynamic programs
        return None
    return f"{library.name} {feature}"


@edit
def exports(editor: Editor) -> str | None:
    library = editor.library(editor.rng.choice(("version script", "script in link flags")))
    if library is None:
        return None
    library.hidden = editor.rng.choice([number for number in (0, 1, 2) if number != library.hidden])
    return f"{library.name} hides {library.hidden}"


@edit
def optional_header(editor: Editor) -> str | None:
    library = editor.library("optional header")
    if library is None:
        return None
    library.optional = None if library.optional is not None else editor.fresh()
    return f"{library.name} {'appears' if library.optional else 'goes'}"


@edit
def file_that_the_script_looks_for(editor: Editor) -> str | None:
    library = editor.library("file that the script looks for")
    if library is None:
        return None
    library.optional = None if library.optional is not None else editor.fresh()
    return f"{library.name} {'appears' if library.optional else 'goes'}"


@edit
def header_beside(editor: Editor) -> str | None:
    """One that is found first by an #include in quotes."""
    library = editor.library()
    if library is None or not library.quotes or not library.libs or library.sources[0].name.count("/") != 1:
        return None
    library.shadow = "" if library.shadow else editor.rng.choice(library.libs)
    return f"{library.name} {library.shadow or 'gone'}"


@edit
def mistake(editor: Editor) -> str:
    """The tree does not build until it is repaired."""
    files = editor.files
    found = [path for path in files if path.endswith((".c", ".h", "SConscript")) and not path.startswith("kernel/")]
    path = editor.rng.choice(found)
    wrong = {
        "c": ["#error on purpose\n", "int f( {\n", "int missing(void); int g(void) { return missing(); }\n"],
        "h": ["#error on purpose\n"],
        "SConscript": ["Import('env')\nenv.DualLibrary('wrong')(\n", "Import('env')\nenv.Service('wrong', ['no.c'])\n"],
    }
    editor.model.broken[path] = editor.rng.choice(wrong[path.rpartition(".")[2].rpartition("/")[2]])
    return path


@edit
def dates(editor: Editor) -> str:
    """Of sources that stay as they are."""
    paths = [path for path, text in editor.files.items() if not text.startswith("-> ")]
    for path in editor.rng.sample(paths, min(len(paths), editor.rng.choice((1, 5, 50)))):
        choices = (-DAY, -2000 * DAY, 0.0) if "future" in editor.left_out else (-DAY, -2000 * DAY, 0.0, DAY)
        editor.raw.append(Date(path, editor.rng.choice(choices)))
    return f"{len(editor.raw)} of sources"


def _built(editor: Editor, *places: str) -> list[str]:
    found: list[str] = []
    for place in places:
        path = editor.tree / place
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [str(each.relative_to(editor.tree)) for each in files if each.is_file() and not each.is_symlink()]
    return found


@edit
def outputs_damaged(editor: Editor) -> str | None:
    built = _built(editor, "build/out", "build/made")
    if not built:
        return None
    for path in editor.rng.sample(built, min(len(built), editor.rng.choice((1, 1, 2, 10)))):
        editor.raw.append(Damage(path, editor.rng.choice(DAMAGES)))
    return f"{len(editor.raw)} of them"


@edit
def a_folder_of_outputs_removed(editor: Editor) -> str | None:
    folders = [str(path.relative_to(editor.tree)) for path in (editor.tree / "build").rglob("*") if path.is_dir()]
    if not folders:
        return None
    editor.raw.append(Remove(editor.rng.choice(sorted(folders))))
    return editor.raw[0].path  # type: ignore[union-attr]


@edit
def dates_of_outputs(editor: Editor) -> str | None:
    built = _built(editor, "build/out")
    for path in editor.rng.sample(built, min(len(built), editor.rng.choice((1, 20)))):
        editor.raw.append(Date(path, editor.rng.choice((-DAY, DAY, 0.0))))
    return f"{len(editor.raw)} of them" if built else None


@edit
def records_damaged(editor: Editor) -> str | None:
    built = _built(editor, *RECORDS)
    if not built:
        return None
    path = editor.rng.choice(built)
    editor.raw.append(Damage(path, editor.rng.choice(DAMAGES)))
    return path


@edit
def nothing(editor: Editor) -> str:
    return "built again as it is"
