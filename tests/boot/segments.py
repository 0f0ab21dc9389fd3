"""Sources of a program with many writable segments: argv is how many, the C file and the linker script to write."""

import sys
from pathlib import Path

FIRST = """PHDRS {{
    phdr PT_PHDR FLAGS(4); interp PT_INTERP FLAGS(4); text PT_LOAD FILEHDR PHDRS FLAGS(4);
    code PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); dynamic PT_DYNAMIC FLAGS(6);
    {headers}
}}
SECTIONS {{
    . = SIZEOF_HEADERS;
    .interp : {{ *(.interp) }} :text :interp
    .read : {{ *(.note*) }} :text
    .hash : {{ *(.hash) }} :text
    .gnu.hash : {{ *(.gnu.hash) }} :text
    .dynsym : {{ *(.dynsym) }} :text
    .dynstr : {{ *(.dynstr) }} :text
    .gnu.version : {{ *(.gnu.version) }} :text
    .rela.dyn : {{ *(.rela.dyn) }} :text
    .rela.plt : {{ *(.rela.plt) }} :text
    .relr.dyn : {{ *(.relr.dyn) }} :text
    .rodata : {{ *(.rodata*) *(.eh_frame*) }} :text
    . = ALIGN(4096);
    .text : {{ *(.text*) *(.plt*) }} :code
    . = ALIGN(4096);
    .dynamic : {{ *(.dynamic) }} :data :dynamic
    .got : {{ *(.got*) }} :data
    .data : {{ *(.data*) }} :data
    .bss : {{ *(.bss*) }} :data
{sections}    /DISCARD/ : {{ *(.debug*) *(.comment) }}
}}
"""


def main() -> None:
    count = range(int(sys.argv[1]))
    headers = " ".join(f"part{i} PT_LOAD FLAGS(6);" for i in count)
    sections = "".join(f"    . = ALIGN(4096);\n    .part{i} : {{ *(.part.{i}) }} :part{i}\n" for i in count)
    parts = "".join(f'static volatile int part{i} __attribute__((section(".part.{i}"))) = {i};\n' for i in count)
    table = f"static volatile int *const parts[] = {{{', '.join(f'&part{i}' for i in count)}}};\n"
    check = f"    for (int i = 0; i < {len(count)}; i++)\n        CHECK(*parts[i] == i && (*parts[i] = -i) <= 0);\n"
    main = f"int main(void)\n{{\n{check}    return checks_finish(\"segments\");\n}}\n"
    Path(sys.argv[2]).write_text(f'#include "check.h"\n{parts}{table}{main}')
    Path(sys.argv[3]).write_text(FIRST.format(headers=headers, sections=sections))


main()
