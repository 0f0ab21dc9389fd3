"""Each call of the host's table fails in turn: what was made is given back once, and the target goes on as before."""

import ctypes

import pytest

from .conftest import Host, Mode

MODES = list(Mode)
SHARING = [Mode.STAGES, Mode.LIVES_THERE]
CALLS_MAX = 2000


def fails_in_turn(make_host, act):
    """`act` with its first call failing, then its second, and so on until it succeeds; how often it failed."""
    for number in range(1, CALLS_MAX):
        host = make_host()
        before, messages = host.alive(), host.record.messages
        host.record.fail_at = host.record.calls + number
        good = act(host)
        injected = host.record.calls >= host.record.fail_at
        host.record.fail_at = 0
        host.sound()
        yield host, good, before, host.record.messages > messages
        if not injected:
            assert good
            return
    raise AssertionError("it never succeeds")


@pytest.mark.parametrize("caches", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_start(library, files, mode, caches):
    failures = 0
    def make_host():
        return Host(library, files, mode, caches)

    for host, good, before, _said in fails_in_turn(make_host, lambda host: host.start()):
        failures += not good
        if not good:
            # The cache keeps what it read.
            assert host.alive()[1:] == before[1:] and (caches or host.alive() == before), failures
            assert host.start() and host.sound()
        host.call("host_end_all")
        assert host.sound()
        if mode is not Mode.LIVES_THERE:
            assert host.alive() == (0, 0, 0, 0)
        else:
            assert host.alive()[:2] == (0, 0)
    assert failures > 30


@pytest.mark.parametrize("mode", SHARING)
def test_open(library, files, mode):
    def started():
        host = Host(library, files, mode)
        assert host.start()
        assert host.open("libextra.so") and host.call("host_close", ctypes.c_uint64(host.open("libextra.so"))) == 0
        return host

    failures = 0
    for host, handle, before, said in fails_in_turn(started, lambda host: host.open("libplugin.so")):
        failures += not handle
        names = [f"lib{n}.so" for n in range(10)]
        if not handle:
            assert said and host.alive()[1:] == before[1:], failures
            assert list(host.modules()) == ["program", *names, "libextra.so"]
            handle = host.open("libplugin.so")
        assert list(host.modules()) == ["program", *names, "libextra.so", "libplugin.so"]
        assert host.call("host_close", ctypes.c_uint64(handle)) == 1
        host.call("host_sweep")
        assert host.alive()[1:] == before[1:] and host.sound()
        host.call("host_end_all")
        assert host.alive()[:2] == (0, 0) and host.sound()
    assert failures > 8


@pytest.mark.parametrize("mode", SHARING)
def test_close(library, files, mode):
    """No memory to find out what goes: it stays until the next close."""

    def opened():
        host = Host(library, files, mode)
        assert host.start()
        host.handle = host.open("libplugin.so")
        return host

    def close(host):
        good = host.call("host_close", ctypes.c_uint64(host.handle))
        host.call("host_sweep")
        return good

    for host, good, _before, _ in fails_in_turn(opened, close):
        assert ("libplugin.so" in host.modules()) == (not good)
        host.call("host_end_all")
        assert host.alive()[:2] == (0, 0) and host.sound()


def test_relink(library, files):
    def adopted():
        host = Host(library, files, Mode.STAGES)
        assert host.start() and host.call("host_adopt", ctypes.c_uint64(host.block)) == 1
        return host

    failures = 0
    for host, good, before, said in fails_in_turn(adopted, lambda host: host.call("host_relink")):
        failures += not good
        if not good:
            assert said and host.alive() == before
            assert host.call("host_relink") == 1
        assert host.open("libplugin.so") and host.sound()
        host.call("host_end_all")
        assert host.alive() == (0, 0, 0, 0) and host.sound()
    assert failures > 5


@pytest.mark.parametrize("mode", MODES)
def test_end_in_the_middle(library, files, mode):
    """A target that ends after a failure, and one that ends twice."""
    for host, _, _, _ in fails_in_turn(lambda: Host(library, files, mode), lambda host: host.start()):
        host.call("host_end")
        host.call("host_end")
        assert host.alive()[:2] == (0, 0) and host.sound()
