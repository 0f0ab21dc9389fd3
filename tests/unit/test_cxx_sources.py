"""The C++ run-time in the wheel: its sources, and which compilers are able."""

from dataclasses import replace

import pytest

from ambilink.compile.cxx import find_cxx, find_cxxabi, find_unwind, unable


def test_sources_are_found():
    for found in (find_cxx(), find_cxxabi(), find_unwind()):
        assert found.sources and all(folder.is_dir() for folder in found.includes)
    assert not [path for path in find_cxx().sources if "/support/" in path or "/experimental/" in path]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("clang version 19.1.7 (https://example.org/llvm 0123)\nTarget: x86_64", None),
        ("Debian clang version 17.0.1", None),
        ("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu", "is clang 14.0"),
        ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C)", "is gcc 12.2"),
        ("gcc (GCC) 14.2.0", None),
        ("x86_64-elf-gcc (crosstool-NG 1.25.0) 14.2.0", None),
        ("my compiler", None),
        ("", None),
    ],
)
def test_which_compilers_are_able(toolset, text, reason):
    found = unable(replace(toolset, compiler_text=text))
    assert found is None if reason is None else found is not None and reason in found and "clang 17 or gcc 14" in found
