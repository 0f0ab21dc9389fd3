/* The first instruction of every program: rsp leads to argc, argv, environment, auxiliary vector. */
    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    movq %rsp, %rdi
    leaq main(%rip), %rsi
    leaq _DYNAMIC(%rip), %rdx
    andq $-16, %rsp
    call start_program
    ud2
    .size _start, . - _start
    .weak _DYNAMIC
    .hidden _DYNAMIC
    .section .note.GNU-stack, "", @progbits
