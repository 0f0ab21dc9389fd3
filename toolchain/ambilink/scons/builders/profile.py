"""Profile."""

from ambilink.scons.api import Environment, Node, Nodes, command_line_targets, make_action
from ambilink.scons.arguments import File, Name, Targets
from ambilink.scons.builder import Call, builder


@builder("Profile")
def profile(call: Call, name: Name, targets: Targets, file: File) -> list[Node]:
    """An alias that builds targets and writes when each step ran, for the trace viewers chrome://tracing and
    ui.perfetto.dev.

    Returns a list of one node.

    name: what to say: `scons <name>`.
    targets: what is built.
    file: where the trace goes.
    """
    if name in command_line_targets():
        call.context.profile = file.path
    return call.env.AlwaysBuild(call.env.Alias(name, list(targets), make_action(_nothing, None)))


def _nothing(target: Nodes, source: Nodes, env: Environment) -> int:
    return 0
