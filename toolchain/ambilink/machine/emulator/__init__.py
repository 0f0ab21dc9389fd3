"""The bundled emulator. Its native helper must be loaded before Unicorn is, so whatever imports a part of this package
loads it first; see native/__init__.py."""

from ambilink.machine.emulator import native

native.load()
