/* Where the process begins, where its calls come in, and where its threads begin. */
    .text
    .globl linux_start, linux_call_entry, linux_call_failed, linux_thread_entry
    .hidden linux_start, linux_call_entry, linux_call_failed, linux_thread_entry, linux_main, linux_call, linux_thread_begin

#define CALL_MARK 0x4c494e5558434c4c /* as in frame.h */
#define VECTOR_REGISTERS 256
    .type linux_start, @function
linux_start:                   /* rdi: the first instruction of program or interpreter, which must find the stack as it is */
    xorl %ebp, %ebp
    movq %rsp, %rbx
    movq %rdi, %r12
    movq %rsp, %rdi
    leaq _DYNAMIC(%rip), %rsi
    andq $-16, %rsp
    call linux_main
    movq %rbx, %rsp
    movq %r12, %rax
    xorl %edx, %edx            /* psABI 3.4.1: no function to register with atexit */
    xorl %ebx, %ebx
    xorl %r12d, %r12d
    jmpq *%rax
    .size linux_start, . - linux_start

    /* A call: all registers are the program's, but rcx, where it goes on; so are they afterwards, but rax, the result. Below
     * its stack is the red zone. struct linux_frame (frame.h) is what is pushed. */
    .type linux_call_entry, @function
linux_call_entry:
    leaq -128(%rsp), %rsp
    pushq %rcx
    pushq %rax
    pushq %rdi; pushq %rsi; pushq %rdx; pushq %r10; pushq %r8; pushq %r9
    pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15
    movq %rsp, %rbx
    pushq %rbx                 /* struct call_mark */
    movabsq $CALL_MARK, %rax
    pushq %rax
    subq $VECTOR_REGISTERS, %rsp
    andq $-16, %rsp
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps %xmm\number, \number * 16(%rsp)
    .endr
    cld
    movq %rbx, %rdi
    call linux_call
restore:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps \number * 16(%rsp), %xmm\number
    .endr
    movq $0, -16(%rbx)         /* no later call's stack has the mark */
    movq %rbx, %rsp
go_on:
    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx
    popq %r9; popq %r8; popq %r10; popq %rdx; popq %rsi; popq %rdi
    addq $8, %rsp
    popq %rcx
    leaq 128(%rsp), %rsp
    jmpq *%rcx
    .size linux_call_entry, . - linux_call_entry

    /* Instead of a return from linux_call. rbx: its argument, rax: the result. */
    .type linux_call_failed, @function
linux_call_failed:
    leaq -16 - VECTOR_REGISTERS(%rbx), %rsp
    andq $-16, %rsp
    jmp restore
    .size linux_call_failed, . - linux_call_failed

    /* rdi: struct thread_start, on the thread's own stack. It goes on as who made it, with the result 0. */
    .type linux_thread_entry, @function
linux_thread_entry:
    movq %rdi, %rbx
    movq %rdi, %rsp
    andq $-16, %rsp
    call linux_thread_begin
    movq %rbx, %rsp
    xorl %eax, %eax
    jmp go_on
    .size linux_thread_entry, . - linux_thread_entry
    .hidden _DYNAMIC
    .section .note.GNU-stack, "", @progbits
