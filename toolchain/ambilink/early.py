"""Seeing that nothing changed before anything else is loaded: in an SConstruct, and as `ambilink build`.

At the beginning of an SConstruct, or in a site_scons/site_init.py, SCons ends before it reads anything else:

    from ambilink.early import stop; stop()

`ambilink build WORDS` is `scons WORDS` that looks even before SCons is loaded, which is most of what is left.
"""

import os
import sys

from ambilink.incremental import up_to_date

# Options of SCons that choose where it starts.
CHOOSING = ("-f", "--file", "--sconstruct", "--makefile", "-C", "--directory", "-D", "-u", "-U", "--up", "--search-up")


def stop() -> None:
    """End here if there is nothing to do. From a subfolder SCons builds what lies there, which is not recorded."""
    build_system = sys.modules.get("SCons")
    script = sys.modules.get("SCons.Script")
    if build_system is None or script is None or not build_system.__file__:
        return  # not read by SCons
    from ambilink.incremental.reading import READING

    top = os.getcwd()
    if script.GetLaunchDir() == top:
        up_to_date.stop_if_current(top)
    folder = os.path.dirname(build_system.__file__) + os.sep
    READING.begin(folder, f"{folder}Tool{os.sep}")


def main() -> None:
    """The `ambilink` command."""
    if sys.argv[1:2] == ["build"] and not {"-h", "--help"} & set(sys.argv[2:3]):
        build(sys.argv[2:])
    from ambilink.cli import main as command

    command()


def _climbing(words: list[str]) -> list[str]:
    """In a subfolder of a project: build what lies there, as `scons -u` does."""
    if any(word.startswith(CHOOSING) for word in words) or _is_top("."):
        return []
    above, here = os.path.dirname(os.getcwd()), os.getcwd()
    while above != here:
        if _is_top(above):
            return ["-u"]
        above, here = os.path.dirname(above), above
    return []


def _is_top(folder: str) -> bool:
    names = ("SConstruct", "Sconstruct", "sconstruct", "SConstruct.py", "Sconstruct.py", "sconstruct.py")
    return any(os.path.isfile(os.path.join(folder, name)) for name in names)


def build(words: list[str]) -> None:
    """End with SCons' exit status, or at once if there is nothing to do."""
    message = up_to_date.current_message(os.getcwd(), words)
    if message is not None:
        print(message, flush=True)
        os._exit(0)
    command = [sys.executable, "-m", "SCons", *_climbing(words), *words]
    os.environ[up_to_date.SKIP] = "1"
    if os.name == "nt":
        import subprocess

        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)
