/* Entered as Multiboot asks, in 32-bit protected mode; goes on in long mode with the first 4 GiB mapped. */

    .section .multiboot, "a", @progbits
    .balign 8
header2:                       /* Multiboot2 */
    .long 0xe85250d6, 0, header2_end - header2, -(0xe85250d6 + (header2_end - header2))
    .balign 8
    .word 1, 0                 /* information request: command line, modules, memory sizes and map */
    .long 8 + 4 * 4, 1, 3, 4, 6
    .balign 8
    .word 6, 0                 /* modules on pages */
    .long 8
    .balign 8
    .word 5, 1                 /* a framebuffer, if there is one */
    .long 20, 0, 0, 0
    .balign 8
    .word 0, 0
    .long 8
header2_end:
    .balign 4
    .long 0x1badb002, 3, -(0x1badb002 + 3) /* Multiboot: modules on pages, memory sizes */

    .section .text.first, "ax", @progbits
    .code32
    .globl entry
entry:
    movl %eax, %edi
    movl %ebx, %esi
    movl $table, %eax
    movl %eax, %cr3
    movl $0x6a0, %eax          /* PAE PGE OSFXSR OSXMMEXCPT */
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    movl $0x100, %eax          /* LME */
    xorl %edx, %edx
    wrmsr
    movl $0x80000011, %eax
    movl %eax, %cr0
    lgdt descriptors_end
    ljmp $8, $1f
    .code64
1:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $stack_end, %esp
    movl %edi, %edi
    movl %esi, %esi
    call main
2:  cli
    hlt
    jmp 2b

    .data
    .balign 4096
table:
    .quad pointers + 3
    .fill 511, 8, 0
pointers:
    .quad directories + 3, directories + 0x1003, directories + 0x2003, directories + 0x3003
    .fill 508, 8, 0
directories:
    .set megabytes, 0
    .rept 2048
    .quad (megabytes << 20) + 0x83
    .set megabytes, megabytes + 2
    .endr
    .balign 16
descriptors:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptors_end:
    .word 23
    .quad descriptors
    .bss
    .balign 16
    .skip 8192
stack_end:
    .section .note.GNU-stack, "", @progbits
