"""Handles to parts of the image, as the service files gives them to programs of Linux."""


def test_a_handle_reaches_its_part_and_no_more(system):
    """And without the grant there is none."""
    system.program("parts", program="test-parts", grants=["image", "parts"])
    console = system.program("less", program="test-parts", grants=["image"]).boot().outcome.text
    lines = [line for line in console if line.startswith("parts: ")]
    assert len(lines) == 1 and lines[0].endswith(" checks, 0 failed"), lines
    assert any(line.startswith("less: FAIL") and "part > 0" in line for line in console)
