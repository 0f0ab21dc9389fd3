"""The emulated pair of 8259As, by their data sheet."""

import pytest

from ambilink.machine.emulator.devices.pic import InterruptControllers


def start(mode=1, masks=(0, 0)):
    pic = InterruptControllers()
    for port, value in ((0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, mode)):
        pic.write(port, value)
    for port, value in ((0xA0, 0x11), (0xA1, 0x28), (0xA1, 2), (0xA1, mode)):
        pic.write(port, value)
    pic.write(0x21, masks[0])
    pic.write(0xA1, masks[1])
    return pic


def registers(pic, port=0x20):
    pic.write(port, 0x0A)
    requests = pic.read(port)
    pic.write(port, 0x0B)
    return requests, pic.read(port)


@pytest.mark.parametrize("line", (0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 15))
def test_each_line_has_its_vector(line):
    pic = start()
    pic.set_line(line, True)
    assert pic.pending and pic.acknowledge() == 0x20 + line and not pic.pending
    pic.set_line(line, False)
    pic.set_line(line, True)
    assert not pic.pending  # in service
    if line >= 8:
        pic.write(0xA0, 0x20)
    pic.write(0x20, 0x20)
    assert pic.pending


def test_masks_hold_requests_back_and_lose_none():
    pic = start(masks=(0xFF, 0xFF))
    pic.set_line(3, True)
    pic.set_line(12, True)
    assert not pic.pending and registers(pic)[0] == 8 and registers(pic, 0xA0)[0] == 0x10
    pic.write(0xA1, 0xEF)
    assert not pic.pending and registers(pic)[0] == 0x0C
    pic.write(0x21, 0xFB)
    assert pic.acknowledge() == 0x2C
    pic.write(0x21, 0xF7)
    assert not pic.pending  # 2 is more urgent and in service
    pic.write(0x20, 0x20)
    assert pic.acknowledge() == 0x23
    assert (pic.read(0x21), pic.read(0xA1)) == (0xF7, 0xEF)


def test_the_lower_line_interrupts_the_higher():
    pic = start()
    pic.set_line(5, True)
    assert pic.acknowledge() == 0x25
    pic.set_line(6, True)
    assert not pic.pending
    pic.set_line(1, True)
    assert pic.acknowledge() == 0x21 and registers(pic) == (0x40, 0x22)
    pic.write(0x20, 0x20)  # of the most urgent
    assert registers(pic)[1] == 0x20
    pic.write(0x20, 0x65)  # of line 5
    assert pic.acknowledge() == 0x26


def test_an_edge_that_falls_is_forgotten_and_one_that_stays_comes_once():
    pic = start()
    pic.set_line(4, True)
    pic.set_line(4, False)
    assert not pic.pending
    pic.set_line(4, True)
    pic.acknowledge()
    pic.write(0x20, 0x20)
    assert not pic.pending


def test_a_level_comes_until_it_falls():
    pic = start()
    pic.write(0x4D0, 0xFF)
    assert pic.read(0x4D0) == 0xF8  # timer, keyboard and cascade stay edges
    pic.set_line(4, True)
    for _ in range(3):
        assert pic.acknowledge() == 0x24
        pic.write(0x20, 0x20)
    pic.set_line(4, False)
    assert not pic.pending


@pytest.mark.parametrize(("before", "vector"), ((0, 0x27), (8, 0x2F)))
def test_a_request_that_is_gone_is_spurious(before, vector):
    pic = start()
    if before:
        pic.first.requests |= 4  # the second's, which has none by then
    assert pic.acknowledge() == vector
    assert registers(pic, 0xA0)[1] == 0 and registers(pic)[1] == (4 if before else 0)


def test_automatic_end_keeps_nothing_in_service():
    pic = start(mode=3)
    pic.set_line(4, True)
    assert pic.acknowledge() == 0x24 and registers(pic) == (0, 0)
    pic.set_line(4, False)
    pic.set_line(4, True)
    assert pic.pending


def test_rotation_puts_the_served_line_last():
    pic = start()
    pic.write(0x20, 0xC4)  # line 4 is the lowest: 5 comes first
    for line in (0, 5):
        pic.set_line(line, True)
    assert pic.acknowledge() == 0x25
    pic.write(0x20, 0xA0)  # end, and rotate: 5 is the lowest
    pic.set_line(6, True)
    assert pic.acknowledge() == 0x26
    pic.write(0x20, 0xE0)  # end of 0, which is not in service, and 0 the lowest
    assert registers(pic)[1] == 0x40
    pic.write(0x20, 0x66)
    assert pic.acknowledge() == 0x20


def test_rotation_in_automatic_end():
    pic = start(mode=3)
    pic.write(0x20, 0x80)
    for line in (0, 1):
        pic.set_line(line, True)
    assert pic.acknowledge() == 0x20
    pic.set_line(0, False)
    pic.set_line(0, True)
    assert pic.acknowledge() == 0x21
    pic.write(0x20, 0x00)
    assert pic.acknowledge() == 0x20


def test_special_mask_lets_lower_lines_in():
    pic = start()
    pic.set_line(1, True)
    pic.acknowledge()
    pic.set_line(5, True)
    pic.write(0x21, 0x02)
    assert not pic.pending
    pic.write(0x20, 0x68)
    assert pic.acknowledge() == 0x25
    pic.write(0x20, 0x20)
    assert registers(pic)[1] == 0x02  # the masked one is not ended
    pic.write(0x20, 0x48)


def test_special_fully_nested_mode_lets_the_seconds_lines_in():
    for mode, pends in ((1, False), (0x11, True)):
        pic = start(mode=mode)
        pic.set_line(12, True)
        pic.acknowledge()
        pic.set_line(9, True)
        assert pic.pending is pends


def test_polling_acknowledges():
    pic = start()
    pic.write(0x20, 0x0C)
    assert pic.read(0x20) == 0
    pic.set_line(3, True)
    pic.write(0x20, 0x0C)
    assert pic.read(0x20) == 0x83 and registers(pic) == (0, 8)


def test_initialisation_forgets_all_but_levels():
    pic = start(masks=(0xFF, 0xFF))
    pic.write(0x4D0, 0x20)
    for line in (3, 5):
        pic.set_line(line, True)
    pic.write(0x20, 0x11)
    assert pic.read(0x21) == 0 and registers(pic) == (0x20, 0)


def test_single_and_short_initialisation():
    pic = InterruptControllers()
    for port, value in ((0x20, 0x12), (0x21, 0x40), (0x21, 0xFE)):
        pic.write(port, value)
    assert pic.read(0x21) == 0xFE
    pic.set_line(0, True)
    assert pic.acknowledge() == 0x40
