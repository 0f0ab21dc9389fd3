"""The reference model of dynamic linking: plain Python, written apart from `libs/rtld`, so that two answers can
be compared. It takes files as the run time does (`elf.dynamic` reads them), finds the DT_NEEDED closure, binds every
reference and computes every slot that a relocation writes.

    module    one object: its file, where it lies, its writable segments
    search    where a Linux machine has its libraries
    closure   a program and all that it needs, in search order
    bind      who provides a symbol
    relocate  what relocations write
    order     constructors and destructors

Rules are glibc's where the specifications leave a choice."""
