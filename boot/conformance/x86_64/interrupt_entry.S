/* Handlers of interrupts.c: the vector is the argument. */
    .text
interrupt_common:
    pushq %rax; pushq %rcx; pushq %rdx; pushq %rsi; pushq %r8; pushq %r9; pushq %r10; pushq %r11; pushq %rbp
    movq %rsp, %rbp
    andq $-16, %rsp
    cld
    call interrupt_came
    movq %rbp, %rsp
    popq %rbp; popq %r11; popq %r10; popq %r9; popq %r8; popq %rsi; popq %rdx; popq %rcx; popq %rax
    popq %rdi
    iretq

    .set vector, 32
    .macro interrupt_stub
    .balign 16
    pushq %rdi
    movl $vector, %edi
    jmp interrupt_common
    .set vector, vector + 1
    .endm
    .balign 16
    .globl interrupt_stubs
interrupt_stubs:
    .rept 224
    interrupt_stub
    .endr
    .section .note.GNU-stack, "", @progbits
