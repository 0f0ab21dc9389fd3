"""The `ambilink` command."""

import argparse
import io
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ambilink import __version__
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL, EXIT_MACHINE_BROKE, EXIT_NO_MACHINE, EXIT_PASS

if TYPE_CHECKING:
    from ambilink.verdict import VerdictRules

MEMORY_MAX = 1 << 20  # MiB


def _add_boot(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    boot = commands.add_parser(
        "boot",
        help="boot an image, a kernel or an ISO and print the verdict",
        description="Boot an image, a kernel or an ISO. Exit status: 0 passed, 1 failed, 77 no such machine here, "
        "99 the machine broke.",
    )
    verify = commands.add_parser(
        "verify",
        help="boot an image and compare every process with what its files ask for",
        description="Boot an image and print what was verified: frames shared, protections, and all writable "
        "segments against what a second linker computes: the reference model, or for services that were linked at "
        "build time the linker core. The console is shown where something failed.",
    )
    for parser in (boot, verify):
        _add_machine_options(parser)
    boot.set_defaults(run=_boot, quiet=False)
    verify.set_defaults(run=_boot, quiet=True)


def _add_machine_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument("image", type=Path, help="a boot image, a kernel (PVH, multiboot2, multiboot) or an ISO")
    boot.add_argument("--machine", default="emulator", help="emulator (default) or qemu")
    boot.add_argument(
        "--profile", default="", metavar="NAME", help="by whose [verdict] it is judged: a profile's name or TOML file"
    )
    boot.add_argument(
        "--protocol", choices=("pvh", "multiboot2", "multiboot1"), help="how a kernel is entered that knows several"
    )
    boot.add_argument("--firmware", choices=("bios", "uefi"), default="bios", help="for an ISO (default bios)")
    boot.add_argument(
        "--timeout", type=float, default=20.0, metavar="S", help="seconds until the boot fails (default 20)"
    )
    boot.add_argument(
        "--memory", type=_megabytes, default=128, metavar="MB", help="memory of the machine (default 128)"
    )
    boot.add_argument(
        "--seed", type=int, help="seed of random addresses, for this project's kernel (default: 1 in the emulator)"
    )
    boot.add_argument("--append", default="", metavar="WORDS", help="more words for the kernel's command line")
    boot.add_argument("--accel", choices=("tcg", "kvm"), default="tcg", help="for qemu (default tcg)")
    boot.add_argument("--expect", type=Path, metavar="FILE", help="lines that must come on the console, in order")
    boot.add_argument("--root", type=Path, metavar="DIR", help="build folder with symbols (default: the image's)")
    boot.add_argument("--log", type=Path, metavar="FILE", help="write console and verdict there when it passed")
    boot.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _add_profile(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    profile = commands.add_parser(
        "profile",
        help="boot an image and count where its instructions went",
        description="Boot an image in the bundled emulator and count each instruction by process, file and function. "
        "Exit status: 0 the image passed, 1 it failed, 77 there is no emulator here.",
    )
    profile.add_argument("image", type=Path)
    profile.add_argument("--top", type=int, default=20, metavar="N", help="rows of each table (default 20)")
    profile.add_argument("--timeout", type=float, default=300.0, metavar="S", help="seconds (default 300)")
    profile.add_argument(
        "--memory", type=_megabytes, default=128, metavar="MB", help="memory of the machine (default 128)"
    )
    profile.add_argument("--seed", type=int, default=1, help="seed of random addresses (default 1)")
    profile.add_argument("--root", type=Path, metavar="DIR", help="build folder with symbols (default: the image's)")
    profile.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    profile.set_defaults(run=_profile)


def _add_image(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    image = commands.add_parser("image", help="pack, list, extract or verify a boot image")
    actions = image.add_subparsers(required=True, metavar="ACTION")
    pack = actions.add_parser("pack", help="make an image from a manifest and a build folder")
    pack.add_argument("manifest", type=Path)
    pack.add_argument("--root", type=Path, required=True, help="build folder with kernel, services/ and lib/")
    pack.add_argument("--output", type=Path, required=True)
    pack.add_argument("--iso", type=Path, metavar="FILE", help="an ISO besides, by grub-mkrescue")
    pack.add_argument("--tree", type=Path, metavar="DIR", help="a folder for GRUB besides, with boot/grub/grub.cfg")
    pack.add_argument("--profile", default="ambilink", metavar="NAME", help="a profile's name or TOML file")
    pack.set_defaults(run=_image_pack)
    listing = actions.add_parser("ls", help="list files and services")
    listing.add_argument("image", type=Path)
    listing.set_defaults(run=_image_list)
    extract = actions.add_parser("extract", help="write files of an image to a folder")
    extract.add_argument("image", type=Path)
    extract.add_argument("names", nargs="*", help="files to extract (default: all)")
    extract.add_argument("--output", type=Path, default=Path(), metavar="DIR")
    extract.set_defaults(run=_image_extract)
    verify = actions.add_parser("verify", help="compare every file with its digest")
    verify.add_argument("image", type=Path)
    verify.set_defaults(run=_image_verify)


def _add_link(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    link = commands.add_parser(
        "link",
        help="link programs or libraries in memory and print what each reference is bound to",
        description="Find the DT_NEEDED closure of each file as this machine does, place, bind and relocate it in "
        "memory, run nothing, and print the result. The linker core links, and the reference model must bind alike. "
        "Exit status: 0 linked, 1 not.",
    )
    link.add_argument("files", type=Path, nargs="+", metavar="FILE")
    link.add_argument("--bindings", action="store_true", help="print a line for each binding")
    link.add_argument(
        "--core",
        type=Path,
        metavar="LIBRARY",
        help="another build of the linker core (default: compiled at the first use, in the user's cache folder)",
    )
    link.add_argument("--library-path", default="", metavar="DIRS", help="folders to search first, with : between")
    link.set_defaults(run=_link)


def _elf_flags(text: str) -> int:
    flags = int(text, 0) if text[:1].isdigit() else -1
    if not 0 <= flags < 1 << 32:
        raise argparse.ArgumentTypeError(f"{text} is no number of 32 bits")
    return flags


def _add_abi(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    abi = commands.add_parser("abi", help="print, compare or stub the ABI of shared objects")
    actions = abi.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the ABI of a shared object as text")
    show.add_argument("file", type=Path)
    show.set_defaults(run=_abi_show)
    diff = actions.add_parser(
        "diff",
        help="compare two",
        description="Compare two shared objects or texts of ABIs. Exit status: 0 programs that were linked against OLD "
        "work with NEW, 1 they may not, 2 a file cannot be read.",
    )
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    diff.set_defaults(run=_abi_diff)
    stub = actions.add_parser("stub", help="write a shared object to link against that holds an ABI and nothing else")
    stub.add_argument("file", type=Path, help="shared object or text of an ABI")
    stub.add_argument("--machine", help="e_machine, as EM_... (default: the shared object's, for a text EM_X86_64)")
    stub.add_argument(
        "--elf-flags",
        type=_elf_flags,
        metavar="FLAGS",
        help="e_flags (default: the shared object's, for a text 0); RISC-V's linkers compare them",
    )
    stub.add_argument("--output", type=Path, required=True)
    stub.set_defaults(run=_abi_stub)


def _add_contract(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    contract = commands.add_parser(
        "contract",
        help="print what a loader must know for files, or check files against a profile",
        description="Print the [contract] table that a loader must keep for all these programs and libraries, for a "
        "profile. Exit status with --against: 0 all keep its contract, 1 one does not.",
    )
    contract.add_argument("files", type=Path, nargs="+", metavar="FILE")
    contract.add_argument("--against", metavar="PROFILE", help="a profile's name, or the path of its TOML file")
    contract.set_defaults(run=_contract)


def _add_licences(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    licences = commands.add_parser(
        "licences",
        help="list what is linked into an image, and under which licences",
        description="List the sources that are linked into the files of a boot image, or into one program or library, "
        "and their licences, by the debug information of the build. What is not known is listed as unknown.",
    )
    licences.add_argument("image", type=Path)
    licences.add_argument("--root", type=Path, metavar="DIR", help="build folder with symbols (default: the image's)")
    licences.add_argument(
        "--own",
        type=_licence_of,
        action="append",
        default=[],
        metavar="PATH=LICENCE",
        help="the licence of sources of your own, whose paths begin so; may be given several times",
    )
    licences.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    licences.set_defaults(run=_licences)


def _licence_of(text: str) -> tuple[str, str]:
    start, found, licence = text.partition("=")
    if not (start and found and licence):
        raise argparse.ArgumentTypeError(f"{text!r} is no PATH=LICENCE")
    return start, licence


def _add_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    why = commands.add_parser("why", help="print which change forced a build to make a file")
    why.add_argument("target", help="a file that scons made, or the end of its path")
    why.set_defaults(run=_why)
    graph = commands.add_parser("graph", help="draw libraries and services with their forms (SVG)")
    graph.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    graph.add_argument("--build", type=Path, metavar="DIR", help="build folder (default: the one built last)")
    graph.add_argument("--all", action="store_true", help="also what only tests use (names that begin with test-)")
    graph.set_defaults(run=_graph)


def _add_new(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from ambilink.new.template import DEFAULT, TEMPLATES

    new = commands.add_parser(
        "new",
        help="make a project",
        description="Make a project that builds, and passes its test, as it is. Nothing that exists is changed.",
    )
    new.add_argument("folder", nargs="?", metavar="FOLDER", help="a new or an empty folder; . is this one")
    new.add_argument("--template", default=DEFAULT, metavar="NAME", help=f"{', '.join(TEMPLATES)} (default {DEFAULT})")
    new.add_argument("--name", help="of the project (default: the folder's)")
    new.add_argument("--list", action="store_true", help="print what each template makes")
    new.set_defaults(run=_new, usage=new)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ambilink", description=__doc__)
    parser.add_argument("--version", action="version", version=f"ambilink {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_boot(commands)
    _add_profile(commands)
    _add_image(commands)
    _add_link(commands)
    _add_abi(commands)
    _add_contract(commands)
    _add_licences(commands)
    _add_build(commands)
    _add_new(commands)
    return parser


def _link(options: argparse.Namespace) -> int:
    from ambilink.core import CoreUnavailable, Linker, load_linker
    from ambilink.report.link import link_lines

    failed, core = False, None
    try:
        core = Linker(options.core) if options.core else load_linker()
    except CoreUnavailable as error:
        if options.core:
            raise
        print(f"ambilink: {error} (the reference model links alone)", file=sys.stderr)
    for file in options.files:
        for is_error, line in link_lines(file, core, options.library_path, bindings=options.bindings):
            failed |= is_error
            print(f"ambilink: {line}" if is_error else line, file=sys.stderr if is_error else sys.stdout)
    return EXIT_FAIL if failed else EXIT_PASS


def _verdict_rules(profile: str) -> "tuple[VerdictRules, str]":
    """By a profile's name or path, and its file."""
    from ambilink.verdict import AMBILINK_RULES

    if not profile:
        return AMBILINK_RULES, ""
    from ambilink.compile.profile import load_profile

    loaded = load_profile(profile)
    return loaded.verdict, loaded.files[0]


def _boot(options: argparse.Namespace) -> int:
    from ambilink.boot import boot_and_verify
    from ambilink.machine.model import BootRequest, ConsoleLine, NoMachine
    from ambilink.report.boot import as_json, as_text

    def show(line: ConsoleLine) -> None:
        if not options.quiet:
            print(line.shown, flush=True)

    rules, rules_from = _verdict_rules(options.profile)
    request = BootRequest(
        image=options.image,
        memory_megabytes=options.memory,
        timeout=options.timeout,
        seed=options.seed,
        arguments=options.append,
        accelerator=options.accel,
        rules=rules,
        rules_from=rules_from,
        firmware=options.firmware,
    )
    root = options.root or options.image.parent
    sink = None if options.json else show
    try:
        result = boot_and_verify(options.machine, request, root, options.expect, sink, options.protocol)
    except NoMachine as error:
        print(f"ambilink: {error}", file=sys.stderr)
        return EXIT_NO_MACHINE
    if options.json:
        print(json.dumps(as_json(result), indent=2))
    else:
        if options.quiet and result.exit_status != EXIT_PASS:
            print("\n".join(result.outcome.text))
        print("\n".join(as_text(result)))
    if options.log and result.exit_status == EXIT_PASS:
        from ambilink.files import write_atomically

        text = "\n".join([*result.outcome.text, *as_text(result)]) + "\n"
        write_atomically(options.log, text.encode())
    return result.exit_status


def _profile(options: argparse.Namespace) -> int:
    from ambilink.machine.model import BootRequest, NoMachine
    from ambilink.report.profile import as_json, as_text
    from ambilink.verify.profile import profile

    request = BootRequest(options.image, options.memory, options.timeout, options.seed)
    try:
        found = profile(request, options.root or options.image.parent)
    except NoMachine as error:
        print(f"ambilink: {error}", file=sys.stderr)
        return EXIT_NO_MACHINE
    print(json.dumps(as_json(found), indent=2) if options.json else "\n".join(as_text(found, options.top)))
    return found.outcome.verdict.exit_status


def _image_pack(options: argparse.Namespace) -> int:
    from ambilink.bootimage.outputs import Outputs, make
    from ambilink.compile.profile import load_profile

    outputs = Outputs(options.output, options.iso, options.tree)
    print("\n".join(make(options.manifest, options.root, load_profile(options.profile), outputs)))
    return EXIT_PASS


def _image_list(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read

    archive = read(options.image).archive
    width = max(len(file.name) for file in archive.files)
    for file in archive.files:
        print(f"{file.name:<{width}}  {file.kind.name.lower():<7}  {file.size:>9,}  {file.digest.hex()[:16]}")
    for service in archive.services:
        words = " ".join([service.name, *service.arguments])
        print(f"service {words}: {service.file}, {service.role.name.lower().replace('_', '-')}")
    return EXIT_PASS


def _image_extract(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read
    from ambilink.bootimage.layout import damaged
    from ambilink.files import write_atomically

    archive = read(options.image).archive
    for name in options.names:
        if archive.file(name) is None:
            raise AmbilinkError(options.image, f"has no file {name}", "ambilink image ls lists them")
    bad = damaged(archive)
    for file in archive.files:
        if options.names and file.name not in options.names:
            continue
        if file.name in bad:
            raise AmbilinkError(options.image, f"{file.name} does not match its digest: the image was altered")
        if any(part in ("", ".", "..") for part in file.name.split("/")):
            raise AmbilinkError(
                options.image, f"the name {file.name!r} leads out of the folder", "do not trust this image"
            )
        write_atomically(options.output / file.name, archive.contents(file))
        print(options.output / file.name)
    return EXIT_PASS


def _image_verify(options: argparse.Namespace) -> int:
    from ambilink.bootimage.container import read
    from ambilink.bootimage.layout import damaged

    archive = read(options.image).archive
    bad = damaged(archive)
    for name in bad:
        print(f"{options.image}: {name} does not match its digest: the image was altered", file=sys.stderr)
    if bad:
        return EXIT_FAIL
    print(f"{options.image}: {len(archive.files)} files match their digests")
    return EXIT_PASS


def _why(options: argparse.Namespace) -> int:
    from ambilink.report.why import why

    print("\n".join(why(options.target, Path(options.target))))
    return EXIT_PASS


def _graph(options: argparse.Namespace) -> int:
    from ambilink.files import write_atomically
    from ambilink.report.graph import graph_svg, read_graph
    from ambilink.report.why import find_journal

    state = find_journal(options.build / "x" if options.build else None).parent
    svg = graph_svg(read_graph(state / "graph.json", tests=options.all))
    if options.output:
        write_atomically(options.output, svg.encode())
    else:
        print(svg, end="")
    return EXIT_PASS


def _contract(options: argparse.Namespace) -> int:
    from ambilink.compile.profile import load_profile
    from ambilink.report.contract import broken_lines, contract_lines

    if not options.against:
        print("\n".join(contract_lines(options.files)))
        return EXIT_PASS
    failed = False
    for is_error, line in broken_lines(options.files, load_profile(options.against)):
        failed |= is_error
        print(f"ambilink: {line}" if is_error else line, file=sys.stderr if is_error else sys.stdout)
    return EXIT_FAIL if failed else EXIT_PASS


def _licences(options: argparse.Namespace) -> int:
    from ambilink.report.licences import as_json, as_text, licences

    found = licences(options.image, options.root or options.image.parent, dict(options.own))
    print(json.dumps(as_json(found), indent=2) if options.json else "\n".join(as_text(found)))
    return EXIT_PASS


def _abi_show(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import load_abi

    print(load_abi(options.file).text, end="")
    return EXIT_PASS


def _abi_diff(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import abi_changes, load_abi

    try:
        changes = abi_changes(load_abi(options.old), load_abi(options.new))
    except AmbilinkError as error:
        print(f"ambilink: {error}", file=sys.stderr)
        return 2
    for change in changes:
        print(f"{' ' if change.compatible else '!'} {change.text}")
    breaking = sum(not change.compatible for change in changes)
    if breaking:
        print(f"incompatible: {breaking} of {len(changes)} changes may break programs linked against {options.old}")
    else:
        print(f"compatible: {len(changes)} changes" if changes else "compatible: the same")
    return EXIT_FAIL if breaking else EXIT_PASS


def _abi_stub(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import load_abi
    from ambilink.elf.inspect import inspect
    from ambilink.elf.stub import stub
    from ambilink.files import read_regular, write_atomically

    machine, flags = "EM_X86_64", 0
    if read_regular(options.file)[:4] == b"\x7fELF":
        library = inspect(options.file)
        machine, flags = library.machine, library.flags
    machine = options.machine or machine
    flags = flags if options.elf_flags is None else options.elf_flags
    write_atomically(options.output, stub(load_abi(options.file), machine, flags=flags))
    return EXIT_PASS


def _new(options: argparse.Namespace) -> int:
    from ambilink.new.project import make_project
    from ambilink.new.template import TEMPLATES, check_name, check_template, project_files

    if options.list:
        width = max(map(len, TEMPLATES))
        print("\n".join(f"{name:<{width}}  {what}" for name, what in TEMPLATES.items()))
        return EXIT_PASS
    if not options.folder:
        options.usage.error("name the FOLDER to make, or --list")
    check_template(options.template)
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


def _megabytes(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MEMORY_MAX:
        raise argparse.ArgumentTypeError(f"is {number}; give 1 to {MEMORY_MAX} MiB")
    return number


def main(arguments: list[str] | None = None) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names may have letters that the terminal's encoding has not
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(arguments)
        status = options.run(options)
    except AmbilinkError as error:
        print(f"ambilink: {error}", file=sys.stderr)
        status = EXIT_FAIL
    except BrokenPipeError:
        sys.stderr.close()
        status = EXIT_MACHINE_BROKE
    except OSError as error:
        print(f"ambilink: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        status = EXIT_FAIL
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
