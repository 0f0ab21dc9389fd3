/* The first instruction of a process with an interpreter: rsp leads to argc, argv, environment, auxiliary vector, and
 * the program's own first instruction must find the same. */
    .text
    .cfi_sections .debug_frame
    .globl ld_start
    .hidden ld_start
    .type ld_start, @function
ld_start:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    movq %rsp, %rbx
    movq %rsp, %rdi
    leaq _DYNAMIC(%rip), %rsi
    andq $-16, %rsp
    call ld_main
    movq %rbx, %rsp
    xorl %edx, %edx            /* psABI 3.4.1: no function to register with atexit */
    xorl %ebx, %ebx
    jmpq *%rax
    .cfi_endproc
    .size ld_start, . - ld_start
    .hidden _DYNAMIC
    .hidden ld_main
    .section .note.GNU-stack, "", @progbits
