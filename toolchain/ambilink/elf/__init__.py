"""ELF files: what reads, writes and judges them, and nothing above it.

    layout    structures and numbers, for reading and writing
    psabi     what each processor adds: relocations, thread-local blocks
    file      the checked reader: headers, sections, symbol tables, notes
    dynamic   what a dynamic linker reads: segments, dynamic section, symbols, versions, relocations
    inspect   a summary that is kept as long as the file stays the same
    check     the rules that every linked file must keep
    abi       the ABI of a shared object as text
    stub      a shared object from such a text
    exports   a stub with a kernel's addresses, for its modules
    strip     a stripped file and its separate debug file

Every other package reads ELF files by `file` and `dynamic`: what is wrong with one is an ElfError."""
