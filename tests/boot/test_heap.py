"""The kernel's queue of deadlines is in order, whatever is taken out of it, and its ways stay short."""

import ctypes
import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st


class Node(ctypes.Structure):
    pass


Node._fields_ = [
    *((name, ctypes.POINTER(Node)) for name in ("parent", "left", "right")),
    ("key", ctypes.c_uint64),
    ("rank", ctypes.c_uint),
]


class Heap(ctypes.Structure):
    _fields_ = [("least", ctypes.POINTER(Node))]


@pytest.fixture(scope="module")
def library(build):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    return ctypes.CDLL(str(build / "lib/libheap_host.so"))


def height(node) -> int:
    """Of the way down to the right, from a node whose children keep the rules."""
    if not node:
        return 0
    node = node.contents
    left, right = height(node.left), height(node.right)
    assert left >= right and node.rank == right + 1
    for child in (node.left, node.right):
        if child:
            assert child.contents.key >= node.key
            assert ctypes.addressof(child.contents.parent.contents) == ctypes.addressof(node)
    return right + 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30))))
def test_it_is_in_order(library, steps):
    heap, waiting = Heap(), []
    for what, key in steps:
        if what or not waiting:
            node = Node()
            library.heap_add(ctypes.byref(heap), ctypes.byref(node), ctypes.c_uint64(key))
            waiting.append(node)
        else:
            library.heap_remove(ctypes.byref(heap), ctypes.byref(waiting.pop(key % len(waiting))))
        assert 2 ** height(heap.least) - 1 <= len(waiting)
        assert not heap.least or not heap.least.contents.parent
        assert bool(heap.least) == bool(waiting)
        assert not waiting or heap.least.contents.key == min(node.key for node in waiting)
    while waiting:
        least = heap.least.contents
        assert least.key == min(node.key for node in waiting)
        library.heap_remove(ctypes.byref(heap), ctypes.byref(least))
        waiting = [node for node in waiting if ctypes.addressof(node) != ctypes.addressof(least)]
    assert not heap.least
