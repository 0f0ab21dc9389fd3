"""Declaring builders: methods of an environment, whose arguments are checked before they run."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ambilink.errors import AmbilinkError
from ambilink.scons.api import Environment, Node, UserError, placed
from ambilink.scons.arguments import REQUIRED, Accepts, Parameter, convert, fit, settings_of_loading
from ambilink.scons.context import Context, context_of
from ambilink.scons.location import SourceLocation, find_location
from ambilink.scons.variables import VARIABLES, Variables
from ambilink.scons.wanted import Wanted

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Call:
    """One call of a builder in an SConscript."""

    env: Environment
    context: Context
    location: SourceLocation

    @property
    def variables(self) -> Variables:
        return Variables(self.env, self.env.Dir("."), self.location)

    def want(self, node: Node | None, what: str, remedy: Callable[[], str | None] = lambda: "") -> None:
        """A file that an argument names, None where it is left out."""
        if node is not None:
            path = placed(node).path
            self.context.wanted.add(Wanted(path, path, what, self.location, remedy))


@dataclass(frozen=True)
class BuilderMethod:
    """What an environment calls. Its function's docstring is its manual."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]

    @property
    def compiles(self) -> bool:
        return any(parameter.name == "sources" for parameter in self.parameters)

    def __call__(self, env: Environment, *arguments: object, **keywords: object) -> Any:
        location = find_location(env)
        _refuse_other_settings(env, location)
        names = {parameter.name for parameter in self.parameters}
        if self.compiles:  # construction variables for this call alone, as for builders of SCons
            overridden = {name: keywords.pop(name) for name in VARIABLES if name in keywords and name not in names}
            env = env.Override(overridden) if overridden else env
        try:
            given = fit(self.parameters, arguments, keywords)
            for parameter in self.parameters:
                variable = parameter.accepts.variable
                if variable and parameter.name not in given:
                    given[parameter.name] = Variables(env, env.Dir("."), location).words(variable)
        except UserError as error:
            raise UserError(f"{location}: {self.name} {error}") from None
        title, values = self.name, {}
        try:
            for parameter in self.parameters:
                if parameter.name in given:
                    values[parameter.name] = convert(env, parameter, given[parameter.name])
                    if parameter.name == "name":
                        title = f"{self.name} {values['name']!r}"
        except UserError as error:
            raise UserError(f"{location}: {title}: {error}") from None
        try:
            return self.function(Call(env, context_of(env), location), **values)
        except AmbilinkError as error:
            raise UserError(f"{location}: {title}: {error}") from error


def _refuse_other_settings(env: Environment, location: SourceLocation) -> None:
    """Those that clones were given count where the tool is loaded."""
    loaded, now = env["AMBILINK_LOADED"], settings_of_loading(env)
    for name in loaded if loaded != now else ():
        if now[name] != loaded[name]:
            before = f"for {loaded[name]}" if loaded[name] else "without it"
            raise UserError(
                f"{location}: {name} became {now[name] or 'empty'} after the tool was loaded {before}; load it again: "
                f'env.Clone({name}=..., tools=["ambilink"])'
            )


BUILDERS: dict[str, BuilderMethod] = {}


def builder(name: str) -> Callable[[F], F]:
    """Make a function the method `name` of environments. Its first argument is the Call; the others are annotated
    with kinds of arguments."""

    def declare(function: F) -> F:
        found = []
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            (accepts,) = parameter.annotation.__metadata__
            assert isinstance(accepts, Accepts)
            default = REQUIRED if parameter.default is parameter.empty else parameter.default
            found.append(Parameter(parameter.name, accepts, default))
        BUILDERS[name] = BuilderMethod(name, function, tuple(found))
        return function

    return declare
