"""Ambilink: build, link, pack and boot-verify microkernel systems with dynamic libraries."""

__version__ = "0.1.0"
