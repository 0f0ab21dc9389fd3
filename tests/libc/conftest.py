"""Images of these tests are made as those of tests/boot."""

from tests.boot.conftest import system

__all__ = ["system"]
