/* Where Linux enters the dynamic linker, and what compiled code calls with its own conventions. */
    .text
    .globl ld_start
    .hidden ld_start
    .type ld_start, @function
ld_start:
    xor %ebp, %ebp
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call ld_main            /* the program's entry in rax */
    mov %rbx, %rsp
    lea ld_finish(%rip), %rdx
    jmp *%rax
    .size ld_start, .-ld_start

/* TLS descriptors: rax is the descriptor's address, and gets an offset from the thread pointer. All other registers
 * stay as they are. */
    .globl ld_descriptor_fixed, ld_descriptor_absent, ld_descriptor_dynamic
    .hidden ld_descriptor_fixed, ld_descriptor_absent, ld_descriptor_dynamic
ld_descriptor_fixed:
    mov 8(%rax), %rax
    ret

ld_descriptor_absent:
    mov 8(%rax), %rax
    sub %fs:0, %rax
    ret

ld_descriptor_dynamic:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    push %r10
    push %r11
    mov 8(%rax), %rdi
    push %rbp
    mov %rsp, %rbp
    and $-16, %rsp
    call ld_descriptor_address
    mov %rbp, %rsp
    pop %rbp
    sub %fs:0, %rax
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    ret

/* ld_clone(flags, stack, thread pointer, thread id's address, function, argument) */
    .globl ld_clone
    .hidden ld_clone
ld_clone:
    mov %rdx, %r10          /* clone's order: flags, stack, parent's id, child's id, thread pointer */
    mov %r8, %r11
    mov %r10, %r8
    mov %rcx, %r10
    mov %rcx, %rdx
    mov %r9, -8(%rsi)
    mov %r11, -16(%rsi)
    sub $16, %rsi
    mov $56, %eax
    syscall
    test %eax, %eax
    jz 1f
    ret
1:  xor %ebp, %ebp
    pop %rax
    pop %rdi
    call *%rax
    xor %edi, %edi
    mov $60, %eax
    syscall
    .section .note.GNU-stack, "", @progbits
