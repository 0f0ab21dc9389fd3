"""Building, and what a build recorded: `ambilink build`, `ambilink why` and `ambilink graph`."""

import argparse
from pathlib import Path

from ambilink.cli.arguments import Commands, folder, output_file
from ambilink.machine.model import EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    build = commands.add_parser(
        "build",
        help="run scons here, if anything changed since the last time",
        description="Runs `scons` with the same words. Where nothing changed since the last build with them, it says "
        "so at once, before SCons is loaded.",
    )
    build.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help="targets, variables and options of SCons")
    build.set_defaults(run=_build)
    why = commands.add_parser("why", help="print which change forced a build to make a file")
    why.add_argument("target", help="a file that scons made, or the end of its path")
    why.set_defaults(run=_why)
    graph = commands.add_parser("graph", help="draw libraries and services with their forms (SVG)")
    graph.add_argument("--dot", action="store_true", help="write the language of Graphviz' dot, with every edge")
    graph.add_argument("--output", type=output_file, metavar="FILE", help="default: standard output")
    graph.add_argument("--build", type=folder, metavar="DIR", help="build folder (default: the one built last)")
    graph.add_argument("--all", action="store_true", help="also what only tests use (names that begin with test-)")
    graph.set_defaults(run=_graph)


def _build(options: argparse.Namespace) -> int:
    """Only where this is called by another name than the command's: that starts SCons before anything is loaded."""
    import subprocess
    import sys

    return subprocess.run([sys.executable, "-m", "SCons", *options.words]).returncode


def _why(options: argparse.Namespace) -> int:
    from ambilink.report.why import why

    print("\n".join(why(options.target, Path(options.target))))
    return EXIT_PASS


def _graph(options: argparse.Namespace) -> int:
    from ambilink.files import write_output
    from ambilink.report.graph import read_graph
    from ambilink.report.graph_dot import graph_dot
    from ambilink.report.graph_svg import graph_svg
    from ambilink.report.why import find_journal

    state = find_journal(options.build / "x" if options.build else None).parent
    boxes = read_graph(state / "graph.json", tests=options.all)
    drawing = graph_dot(boxes) if options.dot else graph_svg(boxes)
    if options.output:
        write_output(options.output, drawing.encode())
    else:
        print(drawing, end="")
    return EXIT_PASS
