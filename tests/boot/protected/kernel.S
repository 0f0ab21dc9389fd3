/* A 32-bit kernel with an IDT of its own: exceptions and interrupts in rings 0 and 3, without paging, with it, and then in
 * compatibility mode, whose gates are 64-bit. Each handler prints the vector, the error code, CS, and whether the stack is
 * that of the task state. It ends by the debug-exit port. */
#define GATE_COUNT 0x90
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_USER_CODE 0x1b
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_TASK 0x28
#define SELECTOR_CODE_64 0x30
#define SELECTOR_TASK_64 0x38
#define VECTOR_TICK 0x20
#define PORT_EXIT 0xf4

    .section .multiboot, "a", @progbits
    .balign 4
    .long 0x1badb002, 0, -0x1badb002

    .section .text.first, "ax", @progbits
    .code32
    .globl entry
entry:
    cli
    movl $stack_end, %esp
    lgdt gdt_pointer
    ljmp $SELECTOR_CODE, $1f
1:  movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    call fill_gates
    call fill_tasks
    movl $SELECTOR_TASK, %eax
    ltr %ax
    lidt idt_pointer
    movl $text_flat, %esi
    call print
    call exceptions
    movl $directory, %eax
    movl $0x83, (%eax)         /* 4 MiB at their addresses, writable */
    movl %eax, %cr3
    movl $0x10, %eax           /* PSE */
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl $text_paged, %esi
    call print
    call exceptions
    movl $1f, resume
    movl %eax, 0xc0000000
1:  call start_timer
    sti
    hlt
    cli
    movl $text_user, %esi
    call print
    orl $4, directory          /* for ring 3, too */
    movl %cr3, %eax
    movl %eax, %cr3
    pushl $SELECTOR_USER_DATA
    pushl $user_stack_end
    pushl $0x202
    pushl $SELECTOR_USER_CODE
    pushl $user
    iret

exceptions:
    int $0x30
    movl $1f, resume
    ud2
1:  movl $1f, resume
    xorl %eax, %eax
    xorl %edx, %edx
    divl %eax
1:  movl $1f, resume
    movl $0xfe8, %eax
    movl %eax, %es
1:  movl $1f, resume
    int $0x8f                  /* not present */
1:  int3
    ret

user:
    int $0x80
    movl $1f, resume
    cli
1:  movl $1f, resume
    int $0x30                  /* not for ring 3 */
1:  movl ticks, %eax
2:  cmpl %eax, ticks           /* until the timer came in ring 3 */
    je 2b
    movl $1f, resume
    movl %eax, 0xc0000000
1:  int $0x81                  /* does not return */

/* Ring 0 again, on the task state's stack. */
leave_user:
    movl $0xff, %eax
    outb %al, $0x21
    movl $text_wide, %esi
    call print
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl $table, %eax
    movl $pointers + 7, (%eax)

    movl $wide_directory + 7, pointers
    movl $0x87, wide_directory
    movl %eax, %cr3
    movl $0x20, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0            /* compatibility mode: this code goes on */
    lidt wide_idt_pointer
    movb $0x89, task_64_type   /* not busy */
    movl $SELECTOR_TASK_64, %eax
    ltr %ax
    movl $stack_end, %esp
    call exceptions
    ljmp $SELECTOR_CODE_64, $1f
    .code64
1:  pushq $SELECTOR_USER_DATA
    pushq $user_stack_end
    pushq $2
    pushq $SELECTOR_USER_CODE
    pushq $user_wide
    iretq
    .code32
user_wide:
    int $0x80
    movl $1f, resume
    cli
1:  int $0x82                  /* the end */

/* esi: text. */
print:
    movl $0x3f8, %edx
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  ret

/* eax, as 4 digits; `index`: that register, as wide as an address. */
    .macro print_digits index
    movl %eax, %ebx
    movl $4, %ecx
    movl $0x3f8, %edx
1:  rolw $4, %bx
    movl %ebx, %eax
    andl $15, %eax
    movb digits(%\index), %al
    outb %al, %dx
    loop 1b
    movb $32, %al
    outb %al, %dx
    ret
    .endm

print_number:
    print_digits eax

start_timer:
    .macro out port, value
    movb $\value, %al
    outb %al, $\port
    .endm
    out 0x20, 0x11
    out 0x21, VECTOR_TICK
    out 0x21, 4
    out 0x21, 1
    out 0x21, 0xfe
    out 0x43, 0x34
    out 0x40, 0xff
    out 0x40, 0x0f
    ret

/* What came: [esp + 4] vector, error, eip, cs. */
report:
    pushal
    movl 36(%esp), %eax
    call print_number
    movl 40(%esp), %eax
    call print_number
    movl 48(%esp), %eax
    andl $0xffff, %eax
    call print_number
    movl $text_end, %esi
    call print
    popal
    ret

    .macro stub_has_error
    .set has_error, (vector == 8) || (vector == 10) || (vector == 11) || (vector == 12) || (vector == 13) || (vector == 14)
    .endm

    .balign 16
stubs:
    .set vector, 0
    .rept GATE_COUNT
    .balign 16
    stub_has_error
    .if !has_error
    pushl $0
    .endif
    pushl $vector
    jmp common
    .set vector, vector + 1
    .endr

common:
    cmpl $VECTOR_TICK, (%esp)
    je 3f
    call report
    cmpl $0x81, (%esp)
    je 4f
    pushl %eax
    movl resume, %eax
    testl %eax, %eax
    jz 1f
    movl %eax, 12(%esp)
    movl $0, resume
1:  popl %eax
    addl $8, %esp
    iret
3:  cmpl $2, ticks             /* the first in ring 0, the second in ring 3; then it is enough */
    jae 2f
    call report
2:  incl ticks
    pushl %eax
    movb $0x20, %al
    outb %al, $0x20
    popl %eax
    addl $8, %esp
    iret
4:  movl $SELECTOR_DATA, %eax
    movl %eax, %ss
    leal 28(%esp), %eax        /* five words, vector and error: where the task state says */
    cmpl $task_stack_end, %eax
    movl $text_task, %esi
    je 5f
    movl $text_other, %esi
5:  call print
    jmp leave_user

    .code64
    .balign 16
wide_stubs:
    .set vector, 0
    .rept GATE_COUNT
    .balign 16
    stub_has_error
    .if !has_error
    pushq $0
    .endif
    pushq $vector
    jmp wide_common
    .set vector, vector + 1
    .endr

wide_number:
    print_digits rax

wide_common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    movl 32(%rsp), %eax
    call wide_number
    movl 40(%rsp), %eax
    call wide_number
    movl 56(%rsp), %eax
    call wide_number
    movl $0x3f8, %edx
    movb $10, %al
    outb %al, %dx
    cmpl $0x82, 32(%rsp)
    je 2f
    movl resume, %eax
    testl %eax, %eax
    jz 1f
    movq %rax, 48(%rsp)
    movl $0, resume
1:  popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq
2:  leaq 88(%rsp), %rax
    cmpq $task_stack_end, %rax
    movb $0x10, %al
    je 3f
    movb $0x11, %al
3:  outb %al, $PORT_EXIT
4:  hlt
    jmp 4b

    .code32
/* An interrupt gate to each of the stubs, which lie 16 bytes apart. */
.macro fill_table table, gate_size, first_stub, selector
    movl $\first_stub, %eax
    movl $\table, %edi
    movl $GATE_COUNT, %ecx
1:  movw %ax, (%edi)
    movl %eax, %ebx
    shrl $16, %ebx
    movw %bx, 6(%edi)
    movw $\selector, 2(%edi)
    movw $0x8e00, 4(%edi)
    addl $16, %eax
    addl $\gate_size, %edi
    loop 1b
.endm

fill_gates:
    fill_table idt, 8, stubs, SELECTOR_CODE
    movb $0xee, idt + 8 * 0x80 + 5
    movb $0xee, idt + 8 * 0x81 + 5
    movb $0x0e, idt + 8 * 0x8f + 5
    fill_table wide_idt, 16, wide_stubs, SELECTOR_CODE_64
    movb $0xee, wide_idt + 16 * 0x80 + 5
    movb $0xee, wide_idt + 16 * 0x82 + 5
    movb $0x0e, wide_idt + 16 * 0x8f + 5
    ret

fill_tasks:
    movl $task, %eax
    movw %ax, gdt + SELECTOR_TASK + 2
    shrl $16, %eax
    movb %al, gdt + SELECTOR_TASK + 4
    movl $wide_task, %eax
    movw %ax, gdt + SELECTOR_TASK_64 + 2
    shrl $16, %eax
    movb %al, gdt + SELECTOR_TASK_64 + 4
    movl $task_stack_end, task + 4
    movl $SELECTOR_DATA, task + 8
    movl $task_stack_end, wide_task + 4
    ret

    .section .rodata
text_flat:
    .asciz "flat\n"
text_paged:
    .asciz "paged\n"
text_user:
    .asciz "ring 3\n"
text_task:
    .asciz "on the task's stack\n"
text_other:
    .asciz "on another stack\n"
text_wide:
    .asciz "compatibility mode\n"
text_end:
    .asciz "\n"
digits:
    .ascii "0123456789abcdef"

    .data
    .balign 16
gdt:
    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
    .quad 0x0000890000000067, 0x00af9a000000ffff
    .word 0x67, 0
    .byte 0
task_64_type:
    .byte 0x89, 0, 0
    .quad 0
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
idt_pointer:
    .word GATE_COUNT * 8 - 1
    .long idt
wide_idt_pointer:
    .word GATE_COUNT * 16 - 1
    .long wide_idt
resume:
    .long 0
ticks:
    .long 0
    .bss
    .balign 4096
directory:
    .skip 4096
table:
    .skip 4096
pointers:
    .skip 4096
wide_directory:
    .skip 4096
idt:
    .skip GATE_COUNT * 8
wide_idt:
    .skip GATE_COUNT * 16
task:
    .skip 0x68
wide_task:
    .skip 0x68
    .balign 16
    .skip 4096
stack_end:
    .skip 4096
task_stack_end:
    .skip 4096
user_stack_end:
    .section .note.GNU-stack, "", @progbits
