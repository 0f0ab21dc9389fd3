/* TLS descriptors: rax holds a descriptor's address and gets an offset from the thread pointer; every other register
 * stays as it is (psABI, TLS descriptors). The loader finds these by name. */
    .text
    .globl __ambilink_tlsdesc_fixed, __ambilink_tlsdesc_absent, __ambilink_tlsdesc_dynamic
    .type __ambilink_tlsdesc_fixed, @function
    .type __ambilink_tlsdesc_absent, @function
    .type __ambilink_tlsdesc_dynamic, @function
__ambilink_tlsdesc_fixed:
    movq 8(%rax), %rax
    ret

__ambilink_tlsdesc_absent:
    movq 8(%rax), %rax
    subq %fs:0, %rax
    ret

__ambilink_tlsdesc_dynamic:
    pushq %rbp
    movq %rsp, %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    subq $512, %rsp         /* the first call makes the block, with whatever registers libc uses */
    andq $-16, %rsp
    fxsave64 (%rsp)
    movq 8(%rax), %rdi
    call __tlsdesc_address
    fxrstor64 (%rsp)
    leaq -64(%rbp), %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    subq %fs:0, %rax
    ret
    .section .note.GNU-stack, "", @progbits
