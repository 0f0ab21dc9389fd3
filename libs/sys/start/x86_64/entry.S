/* The first instruction of every program: rsp leads to argc, argv, environment, auxiliary vector. */
    .text
    .cfi_sections .debug_frame
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip         /* psABI 6.3: no function called this one; a debugger's list of callers ends here */
    xorl %ebp, %ebp
    movq %rsp, %rdi
    leaq main(%rip), %rsi
    leaq _DYNAMIC(%rip), %rdx
    andq $-16, %rsp
    call start_program
    ud2
    .cfi_endproc
    .size _start, . - _start
    .weak _DYNAMIC
    .hidden _DYNAMIC
    .section .note.GNU-stack, "", @progbits
