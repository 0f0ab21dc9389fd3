"""The SCons tool. Nothing else in this package may be imported by other packages of `ambilink`, and only this one
imports SCons.

    import ambilink.scons
    env = Environment(tools=["default", ambilink.scons.tool])

or by name:

    env = Environment(tools=["default", "ambilink"], toolpath=[ambilink.scons.toolpath()])
"""

from pathlib import Path
from typing import Any


def tool(env: Any) -> None:
    """Add the builders to an environment, with the settings that it holds as AMBILINK_... variables."""
    from ambilink.scons.environment import generate

    generate(env)


def options() -> Any:
    """The tool's options of the command line (`compiler=`, `cache=`, ...), as SCons' Variables: `Add` others, and give
    them to `Environment(variables=...)`. An option that is unknown to them is an error."""
    from ambilink.scons.command_line import options

    return options()


def toolpath() -> str:
    """The folder in which SCons finds the tool by the name `ambilink`."""
    return str(Path(__file__).parent / "site_tools")
