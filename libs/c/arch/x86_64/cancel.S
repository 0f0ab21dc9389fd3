/* musl's cancellation point around a system call: check the flag, then call. The three labels show its
 * signal handler where a thread was; without signals only the check matters. */
    .text
    .globl __syscall_cp_asm, __cp_begin, __cp_end, __cp_cancel
    .hidden __syscall_cp_asm, __cp_begin, __cp_end, __cp_cancel, __cancel
    .type __syscall_cp_asm, @function
__syscall_cp_asm:               /* (flag, number, a, b, c, d, e, f) */
__cp_begin:
    movl (%rdi), %eax
    testl %eax, %eax
    jnz __cp_cancel
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %rcx
    movq %r9, %r8
    movq 8(%rsp), %r9
    movq 16(%rsp), %rax
    pushq %rax
    call posix_system_call@PLT
    popq %rdx
__cp_end:
    ret
__cp_cancel:
    jmp __cancel
    .size __syscall_cp_asm, . - __syscall_cp_asm
    .section .note.GNU-stack, "", @progbits
