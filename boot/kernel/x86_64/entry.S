/* Entry from the boot loader, and entry and return for traps and system calls. */
#define __ASSEMBLER__ 1
#include "layout.h"

#define PVH_NOTE_TYPE 18
#define MULTIBOOT_HEADER 0xe85250d6
/* As a whole: what a boot loader left on is off. cpu_init adds to CR4 what the processor has. */
#define CR0_ALL 0x80010033     /* PG WP NE ET MP PE */
#define CR4_EARLY 0x000000a0   /* PAE PGE */
#define CR4_ALL 0x000006a0     /* PAE PGE OSFXSR OSXMMEXCPT */
#define MSR_EFER 0xc0000080
#define EFER_ON 0x901          /* NXE LME SCE */

/* This file's boot sections run where they are loaded only, unlike the rest of the kernel, which is relocated. So their
 * addresses are numbers, and no relocations. */
#define BOOT(label) (label - boot_begin + KERNEL_LOAD)
#define BOOT_DATA(label) (label - boot_data_begin + BOOT_DATA_LOAD)

    /* Xen's PVH note: QEMU's -kernel enters here in 32-bit protected mode, ebx = start info. */
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, PVH_NOTE_TYPE
    .asciz "Xen"
    .long BOOT(entry_protected_mode)

    /* The 64-bit entry: long mode, memory identity-mapped, rbx = start info. */
    .section .note.ambilink, "a", @note
    .balign 4
    .long 9, 8, 1
    .asciz "Ambilink"
    .balign 4
    .quad BOOT(entry_long_mode)

    .section .boot, "ax", @progbits
    .balign 8
boot_begin:                    /* Multiboot2: 32-bit protected mode, eax = magic, ebx = information. */
    .long MULTIBOOT_HEADER, 0, multiboot_end - boot_begin, -(MULTIBOOT_HEADER + (multiboot_end - boot_begin))
    .balign 8
    .word 1, 0                 /* information request: command line, modules, memory map */
    .long 8 + 3 * 4, 1, 3, 6
    .balign 8
    .word 3, 0                 /* the entry; e_entry is the 64-bit one */
    .long 12, BOOT(entry_multiboot)
    .balign 8
    .word 5, 1                 /* a framebuffer, or none: or GRUB looks for a video mode, and complains */
    .long 20, 0, 0, 0
    .balign 8
    .word 6, 0                 /* modules on pages */
    .long 8
    .word 0, 0
    .long 8
multiboot_end:

    /* eax: the table of all tables. The same in 32 and in 64 bits. */
.macro fill_tables
    movl $BOOT_TABLES_LOAD, %eax
    movl $BOOT_TABLES_LOAD + 0x1023, (%eax)
    .set directory, 0
    .rept 4
    movl $BOOT_DATA(boot_directory) + 0x23 + directory * 0x1000, 0x1000 + directory * 8(%eax)
    .set directory, directory + 1
    .endr
.endm

    .code32
entry_multiboot:
    movl %eax, %ebp
    jmp 1f
entry_protected_mode:
    xorl %ebp, %ebp
1:  cli
    cld
    fill_tables
    movl %eax, %cr3
    movl $CR4_EARLY, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_ON, %eax
    wrmsr
    movl $CR0_ALL, %eax
    movl %eax, %cr0
    lgdt BOOT_DATA(boot_gdt_pointer)
    ljmp $SELECTOR_KERNEL_CODE, $BOOT(entry_wide)

    .code64
    .globl entry_long_mode
entry_long_mode:
    xorl %ebp, %ebp
entry_wide:                    /* ebp: a boot loader's magic, or 0; ebx: what it hands over */
    cli
    cld
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_ON, %eax
    wrmsr
    movl $CR0_ALL, %eax
    movq %rax, %cr0
    movl $CR4_ALL, %eax
    movq %rax, %cr4
    fill_tables
    movq %rax, %cr3
    lgdt BOOT_DATA(boot_gdt_pointer)
    leaq kernel_stack_end(%rip), %rsp
    pushq $SELECTOR_KERNEL_CODE
    pushq $BOOT(entry_segments)
    lretq
entry_segments:
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    leaq entry_linked(%rip), %rax
    jmpq *%rax

    /* A machine that follows the kernel from outside stops here: kernel_record has where the kernel will run. */
    .globl kernel_placed
kernel_placed:
    jmpq *%rax

    /* The kernel checks these bytes as it was loaded, so nothing writes them: what the processor would set (accessed,
     * dirty) is set already. */
    .section .boot.data, "aw", @progbits
    .balign 4096
boot_data_begin:
boot_directory:                /* the first 4 GiB at their physical addresses */
    .set megabytes, 0
    .rept 2048
    .quad (megabytes << 20) + 0xe3
    .set megabytes, megabytes + 2
    .endr
boot_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
    .word 23
    .quad BOOT_DATA(boot_gdt)

    /* Five entries lead there, which the entry code writes: so these pages are not in the file. */
    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_page_table:               /* page_table_init adds the kernel */
    .skip 4096
boot_directory_pointers:
    .skip 4096

    .text
entry_linked:                  /* at the physical addresses, which the kernel is linked for */
    leaq kernel_stack_end(%rip), %rsp
    movl %ebx, %edi
    movl %ebp, %esi
    xorl %ebp, %ebp
    call kernel_place          /* how far the kernel moves */
    leaq entry_placed(%rip), %rdx
    addq %rdx, %rax
    leaq kernel_placed(%rip), %rdx
    jmpq *%rdx
entry_placed:                  /* and at those where it stays */
    leaq kernel_stack_end(%rip), %rsp
    call kernel_main
1:  hlt
    jmp 1b

.macro push_registers
    pushq %rax; pushq %rbx; pushq %rcx; pushq %rdx; pushq %rsi; pushq %rdi; pushq %rbp
    pushq %r8; pushq %r9; pushq %r10; pushq %r11; pushq %r12; pushq %r13; pushq %r14; pushq %r15
.endm
.macro pop_registers
    popq %r15; popq %r14; popq %r13; popq %r12; popq %r11; popq %r10; popq %r9; popq %r8
    popq %rbp; popq %rdi; popq %rsi; popq %rdx; popq %rcx; popq %rbx; popq %rax
.endm

/* The struct frame at rsp is the argument of what is called, until frame_end with the same name. C code keeps rbx, by
 * which a debugger finds who was interrupted. */
.macro frame_begin name
    movq %rsp, %rbx
    movq %rbx, %rdi
.L\name\()_begin:
.endm

/* DWARF's description of that, written out because clang leaves out that the caller is no caller but interrupted ("S"),
 * and gdb then does not believe a stack that is below. */
    .section .debug_frame, "", @progbits
frame_cie:
    .long frame_cie_end - frame_cie_begin
frame_cie_begin:
    .long 0xffffffff
    .byte 1                    /* version */
    .asciz "S"
    .byte 1, 0x78, 16          /* factors of code and data (-8); rip has the address */
    .balign 8
frame_cie_end:
    .text
.macro frame_register number words
    .byte 0x80 + \number, \words /* lies so many words below the frame's end */
.endm
.macro frame_end name
.L\name\()_end:
    .pushsection .debug_frame
    .long .L\name\()_fde_end - .L\name\()_fde
.L\name\()_fde:
    .long frame_cie
    .quad .L\name\()_begin, .L\name\()_end - .L\name\()_begin
    .byte 0x0c, 3              /* the frame's end: rbx + 22 words */
    .uleb128 22 * 8
    frame_register 16, 5       /* rip */
    frame_register 7, 2        /* rsp */
    frame_register 0, 8        /* rax rbx rcx rdx rsi rdi rbp */
    frame_register 3, 9
    frame_register 2, 10
    frame_register 1, 11
    frame_register 4, 12
    frame_register 5, 13
    frame_register 6, 14
    .set number, 8
    .rept 8
    frame_register number, number + 7
    .set number, number + 1
    .endr
    .balign 8
.L\name\()_fde_end:
    .popsection
.endm

/* Coming from user mode, rsp leads into the running thread's struct frame (TSS.rsp0, cpu.frame_end), so
 * that pushing the registers saves them where they belong; C then runs on the kernel's one stack. */
    .globl system_call_entry
system_call_entry:
    swapgs
    movq %rsp, %gs:CPU_SCRATCH
    movq %gs:CPU_FRAME_END, %rsp
    pushq $SELECTOR_USER_DATA
    pushq %gs:CPU_SCRATCH
    pushq %r11
    pushq $SELECTOR_USER_CODE
    pushq %rcx
    pushq $0
    pushq $VECTOR_SYSTEM_CALL
    push_registers
    frame_begin call
    movq %gs:CPU_STACK, %rsp
    xorl %ebp, %ebp
    call system_call_handle
    movq %rax, %rdi
    frame_end call

    .globl frame_resume
frame_resume:                  /* rdi: the user-mode struct frame to go to */
    movq %rdi, %rsp
    pop_registers
    cmpq $VECTOR_SYSTEM_CALL, (%rsp)
    jne 1f
    movq 16(%rsp), %rcx        /* what syscall leaves there: rip and rflags */
    movq 32(%rsp), %r11
    movq 40(%rsp), %rsp
    swapgs
    sysretq
1:  addq $16, %rsp
    swapgs
    iretq

trap_common:
    testb $3, 24(%rsp)
    jz 2f
    swapgs
    cmpb $0, %gs:CPU_SMAP      /* a processor without it does not know clac either */
    je 1f
    clac                       /* traps leave AC as user mode has it: it would lift SMAP */
1:  push_registers
    frame_begin user_trap
    movq %gs:CPU_STACK, %rsp
    cld
    xorl %ebp, %ebp
    call trap_from_user
    movq %rax, %rdi
    frame_end user_trap
    jmp frame_resume
2:  push_registers
    frame_begin kernel_trap
    cld
    call trap_from_kernel
    nop                        /* the description holds where the call returns to, too */
    frame_end kernel_trap
    pop_registers
    addq $16, %rsp
    iretq

    .set vector, 0
    .macro trap_stub
    .balign 16
    .if (vector == 8) || (vector == 10) || (vector == 11) || (vector == 12) || (vector == 13) || (vector == 14) || (vector == 17) || (vector == 21)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endm
    .balign 16
    .globl trap_stubs
trap_stubs:
    .rept 48
    trap_stub
    .endr

    .globl stack_change
stack_change:                  /* rdi: where the other stack's pointer is kept */
    pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15
    xchgq %rsp, (%rdi)
    popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx
    ret

    .bss
    .balign 4096
    .globl coroutine_stack_guard, coroutine_stack, kernel_stack_guard
coroutine_stack_guard:         /* page_table_init maps nothing in guards: a stack that is full faults */
    .skip 4096
coroutine_stack:
    .skip STACK_SIZE
kernel_stack_guard:
    .skip 4096
    .skip STACK_SIZE
    .globl kernel_stack_end
kernel_stack_end:
    .section .note.GNU-stack, "", @progbits
