/* Where a PLT entry leads whose function was not bound when its object was linked (<rtld/link.h>, find_lazy_resolver). On the
 * stack: the address of the PLT's GOT, the index of the relocation, the caller's return address. Registers that carry
 * arguments stay as they are (psABI 3.2.3). */
    .text
    .globl __ambilink_lazy
    .type __ambilink_lazy, @function
__ambilink_lazy:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rax
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    subq $512, %rsp
    andq $-16, %rsp
    fxsave64 (%rsp)
    movq 8(%rbp), %rdi
    movq 16(%rbp), %rsi
    call __lazy_bind
    movq %rax, %r11
    fxrstor64 (%rsp)
    leaq -64(%rbp), %rsp
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rax
    popq %rbp
    addq $16, %rsp
    jmp *%r11
    .section .note.GNU-stack, "", @progbits
