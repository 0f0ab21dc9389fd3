"""The option of our own: `--not-passed-in FILE`."""

import pytest

from tests.conftest import passed_in

CASES = """\
<testsuites><testsuite>
<testcase classname="tests.unit.test_a" name="test_good[a.b-::]" />
<testcase classname="tests.unit.test_a" name="test_out">
<system-out>x</system-out></testcase>
<testcase classname="tests.unit.test_a" name="test_bad"><failure message="x">y</failure></testcase>
<testcase classname="tests.unit.test_a" name="test_left"><skipped message="x">y</skipped></testcase>
<testcase classname="tests.unit.test_a" name="test_after" />
<testcase classname="tests.unit.test_a" name="test_after"><error message="at teardown">y</error></testcase>
</testsuite></testsuites>
"""


def test_only_what_passed_is_left_out(tmp_path):
    path = tmp_path / "test.xml"
    path.write_text(CASES)
    assert passed_in(path) == {"tests.unit.test_a.test_good[a.b-::]", "tests.unit.test_a.test_out"}


@pytest.mark.parametrize("text", ["", "<testsuites>", None])
def test_a_file_that_cannot_be_read_is_told(tmp_path, text):
    path = tmp_path / "test.xml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(pytest.UsageError, match=f"--not-passed-in {path}: "):
        passed_in(path)
