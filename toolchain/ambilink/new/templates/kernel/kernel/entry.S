/* From the boot loader to C: 32-bit protected mode without paging becomes 64-bit mode, the first GiB mapped to itself. */
    .section .note.pvh, "a", @note      /* what QEMU's -kernel and the emulator look for: Xen's PVH entry point */
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long entry

    .text
    .code32
    .globl entry
entry:                                  /* ebx: address of struct hvm_start_info (memory map, command line) */
    movl $page_table, %eax
    movl %eax, %cr3
    movl $0x20, %eax                    /* PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx              /* EFER: long mode */
    movl $0x100, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010011, %eax              /* paging, write protection, protected mode */
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $1f
    .code64
1:  movl $stack_end, %esp
    movl %ebx, %edi
    xorl %ebp, %ebp
    call kernel_main

    .data
    .balign 4096
page_table:
    .quad pointers + 3
    .fill 511, 8, 0
pointers:
    .quad directory + 3
    .fill 511, 8, 0
directory:
    .set megabytes, 0
    .rept 512
    .quad (megabytes << 20) + 0x83      /* present, writable, 2 MiB */
    .set megabytes, megabytes + 2
    .endr
gdt:
    .quad 0, 0x00af9a000000ffff
gdt_pointer:
    .word 15
    .quad gdt

    .bss
    .balign 16
    .skip 16384
stack_end:
    .section .note.GNU-stack, "", @progbits
