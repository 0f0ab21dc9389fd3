/* From the boot loader (Multiboot2 specification 2.0, 3.3: 32-bit protected mode, no paging, ebx = information) to C, and
 * the way of each trap. */
#define BASE 0xffffffff80000000
#define MAGIC 0xe85250d6

    .section .multiboot, "a"
    .balign 8
header:
    .long MAGIC, 0, header_end - header, 0x100000000 - (MAGIC + (header_end - header))
    .short 0, 0
    .long 8
header_end:

    .section .boot, "ax"
    .code32
    .globl start
start:
    cmpl $0x36d76289, %eax
    jne 9f
    movl %ebx, %ebp
    /* 1 GiB of memory in large pages, at 0 and at BASE; only the first one, where the kernel is, may be executed. */
    movl $(directory - BASE), %edi
    movl $0x83, %eax
    xorl %edx, %edx
1:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    movl $0x80000000, %edx
    addl $0x200000, %eax
    addl $8, %edi
    cmpl $(directory - BASE + 4096), %edi
    jne 1b
    movl $(directory - BASE + 3), %eax
    movl %eax, directories - BASE
    movl %eax, directories - BASE + 510 * 8
    movl $(directories - BASE + 3), %eax
    movl %eax, kernel_space - BASE
    movl %eax, kernel_space - BASE + 511 * 8
    movl $(kernel_space - BASE), %eax
    movl %eax, %cr3
    movl $0x620, %eax       /* PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl $0xc0000080, %ecx  /* EFER: long mode, no-execute */
    rdmsr
    orl $0x900, %eax
    wrmsr
    movl $0x80010033, %eax  /* paging, write protection, protected mode, FPU */
    movl %eax, %cr0
    lgdt early_table
    ljmp $8, $long_mode
9:  hlt
    jmp 9b
    .balign 8
early_table:
    .short 15
    .long early
    .balign 8
early:
    .quad 0, 0x00af9a000000ffff

    .code64
long_mode:
    xorl %eax, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    movabsq $kernel_stack_end, %rsp
    movl %ebp, %edi
    movabsq $kernel_main, %rax
    xorl %ebp, %ebp
    call *%rax
    jmp 9b

    .text
/* Stubs of the exceptions, 16 bytes each; those without an error code push one. */
    .globl exception_stubs, call_stub, resume
    .balign 16
exception_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    pushq $0
    .endif
    pushq $vector
    jmp enter
    .set vector, vector + 1
    .endr

call_stub:
    pushq $0
    pushq $0x66
enter:
    pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
    cld
    movq %rsp, %rdi
    call trap
    movq %rsp, %rdi
/* resume(frame): go on there. */
resume:
    movq %rdi, %rsp
    popq %rax
    popq %rbx
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rbp
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    addq $16, %rsp
    iretq

    .bss
    .balign 4096
    .globl kernel_space, kernel_stack_end
kernel_space:
    .skip 4096
directories:
    .skip 4096
directory:
    .skip 4096
    .skip 16384
kernel_stack_end:
