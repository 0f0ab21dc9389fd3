"""The reference model of dynamic linking: plain Python, written apart from `libs/rtld`, so that two answers can
be compared. It reads files as the run time does (program headers and the dynamic section), finds the DT_NEEDED
closure, binds every reference and computes every word that a relocation touches.

    image     one file: segments, dynamic section, symbols, versions
    search    where a Linux machine has its libraries
    closure   a program and all that it needs, in search order
    bind      who provides a symbol
    machine   relocation numbers
    relocate  the words
    order     constructors and destructors

Rules are glibc's where the specifications leave a choice."""
