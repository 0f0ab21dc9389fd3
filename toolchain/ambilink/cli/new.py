"""`ambilink new`."""

import argparse
import os
import shlex
from pathlib import Path

from ambilink.cli.arguments import Commands, template_name
from ambilink.machine.model import EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    from ambilink.new.template import DEFAULT, TEMPLATES

    new = commands.add_parser(
        "new",
        help="make a project",
        description="Make a project that builds, and passes its test, as it is. Nothing that exists is changed.",
    )
    new.add_argument("folder", nargs="?", metavar="FOLDER", help="a new or an empty folder; . is this one")
    new.add_argument(
        "--template",
        type=template_name,
        default=DEFAULT,
        metavar="NAME",
        help=f"{', '.join(TEMPLATES)} (default {DEFAULT})",
    )
    new.add_argument("--name", help="of the project (default: the folder's)")
    new.add_argument("--list", action="store_true", help="print what each template makes")
    new.set_defaults(run=_new, usage=new)


def _new(options: argparse.Namespace) -> int:
    from ambilink.new.project import make_project
    from ambilink.new.template import TEMPLATES, check_name, project_files

    if options.list:
        width = max(map(len, TEMPLATES))
        print("\n".join(f"{name:<{width}}  {what}" for name, what in TEMPLATES.items()))
        return EXIT_PASS
    if not options.folder:
        options.usage.error("name the FOLDER to make, or --list")
    whole = Path(os.path.abspath(options.folder))
    name = options.name if options.name is not None else whole.name
    check_name(name)
    files = project_files(options.template, name)
    make_project(Path(options.folder), files)
    print(f"{options.folder}: made of the template {options.template}, {len(files)} files. Next:")
    if not whole.samefile("."):
        print(f"  cd {shlex.quote(options.folder)}")
    print("  scons         # build it\n  scons test    # prove that it works\nREADME.md says what each file is.")
    return EXIT_PASS
