"""A program with 300 writable segments: no table of the kernel, the loader service or an interpreter is too short."""

import pytest

pytestmark = pytest.mark.compiler


def test_three_hundred_writable_segments(each_strategy):
    result = each_strategy.program("test-segments").boot()
    assert any(line.endswith("segments: 300 checks, 0 failed") for line in result.outcome.text), result.outcome.text
    assert result.exit_status == 0, result.outcome.text
