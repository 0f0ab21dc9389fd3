"""Text of guests and foreign files, made visible: what steers a terminal, a reading direction or a parser becomes a
symbol, so that it shows and does nothing."""

import re

CONTROL_PICTURES = 0x2400
DELETE, DELETE_PICTURE = 0x7F, "\u2421"
# Other controls; marks and overrides of direction; separators of lines; surrogates without their other half; characters
# that XML forbids.
_HIDDEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(CONTROL_PICTURES + code)
    return DELETE_PICTURE if code == DELETE else f"\u27e8U+{code:04X}\u27e9"


def visible(text: str) -> str:
    """A tab stays."""
    return _HIDDEN.sub(_picture, text)
