"""The one exception that users see: which file, which rule, what to do."""


class AmbilinkError(Exception):
    """A mistake in the user's input. `str()` is one line: ``file: rule; remedy``."""

    def __init__(self, where: object, rule: str, remedy: str = "") -> None:
        self.where = str(where)
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{self.where}: {rule}" + (f"; {remedy}" if remedy else ""))
