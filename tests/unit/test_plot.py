"""Plots: a bar begins at zero; where that cannot be, there is no bar, and the axis says what it is."""

import itertools
from xml.etree import ElementTree

import pytest

from ambilink.report.plot import Panel, panels_svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(groups):
    root = ElementTree.fromstring(panels_svg([Panel("a < b", "KiB", groups)], ["one", "two"], columns=1))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("fill")][2:]  # without the legend's
    return texts, [float(bar.get("height")) for bar in bars], list(root.iter(f"{SVG}circle")), root


def test_bars_are_as_long_as_their_values():
    texts, heights, dots, _ = drawn({"x": [10, 20], "y": [30, 7]})
    assert not dots and "a < b [KiB]" in texts and "0" in texts
    assert [height / heights[0] for height in heights] == pytest.approx([1, 2, 3, 0.7], abs=0.01)


def test_large_factors_are_dots_on_a_logarithmic_axis():
    texts, heights, dots, root = drawn({"x": [1, 10], "y": [100, 1000]})
    assert not heights and "a < b [KiB, logarithmic axis]" in texts
    places = [float(dot.get("cy")) for dot in dots]
    steps = [one - other for one, other in itertools.pairwise(places)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.2)
    ticks = {text for text in texts if text in ("1", "10", "100", "1,000", "1000")}
    assert len(ticks) == 4
    assert all(0 < place < float(root.get("height")) for place in places)


@pytest.mark.parametrize("most", [1, 1.04, 1.9, 2, 3.3, 4.9, 5, 7, 9.99, 10, 123456])
def test_nothing_leaves_the_panel(most):
    _, heights, _, _ = drawn({"x": [most, most / 3]})
    assert heights[0] == pytest.approx(3 * heights[1], rel=0.01) and 0 < heights[0] <= 250 - 54 - 34
