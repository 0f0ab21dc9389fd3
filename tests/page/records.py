"""Records that tests make by hand, from a whole one."""

from typing import Any

LINE = {"text": "", "console": "", "seconds": 0.1, "instructions": 1000}
# What a guest might write on its console.
ATTACKS = [
    "<script>document.title='owned'</script>",
    "</span></li></ol><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=document.title='owned'>",
    "<!-- <style>*{display:none}</style> -->",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "'\" onmouseover=document.title='owned' x=\"",
    "]]> <![CDATA[ \x1b[31mred\x1b[0m\x07\x00\x7f",
    "\u202egnp.exe\u202c \u200bzero\u200f \ufeff\u2028next",
    "javascript:document.title='owned'",
    "{{7*7}} ${7*7} %s %n \\x3cscript\\x3e",
    "tab\there",
    "\x9b31m \x85 \u00ad",
    "\U0001f427 ünïcödé 漢字",
    "",
    "x" * 5000,
]


def with_attacks(record: dict[str, Any]) -> dict[str, Any]:
    """Each string of the guest's, and each name that a manifest or file may have, is an attack."""
    names = iter(ATTACKS * 10)
    changed = {
        **record,
        "detail": ATTACKS[0],
        "failures": ATTACKS,
        "reasons": ATTACKS,
        "faults": ATTACKS,
        "crash": ATTACKS[:3],
        "waiting": ATTACKS,
        "console": [
            {**LINE, "text": text, "console": other} for text, other in zip(ATTACKS, ATTACKS[::-1], strict=True)
        ],
        "checks": [
            {**check, "detail": ATTACKS[1], "failures": ATTACKS, "result": "failed"} for check in record["checks"]
        ],
        "processes": [{**process, "name": next(names)} for process in record["processes"]],
        "sharing": [{**use, "name": next(names), "processes": ATTACKS[:5]} for use in record["sharing"]],
        "forms": [{**form, "name": f"{next(names)} {index}"} for index, form in enumerate(record["forms"])],
        "settings": {**record["settings"], ATTACKS[0]: ATTACKS[2]},
        "counters": {ATTACKS[0]: 1},
        "passed": False,
        "verdict": "fail",
        "compared": {"started": ATTACKS[0], "bytes": 1, "parts": {ATTACKS[2]: 1}},
    }
    changed["image"] = {**record["image"], "name": ATTACKS[0], "what": ATTACKS[2]}
    changed["image"]["parts"] = [
        {**part, "name": next(names), "kind": part["kind"]} for part in record["image"]["parts"]
    ]
    return changed
