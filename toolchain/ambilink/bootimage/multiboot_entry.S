/* From PVH's entry to a multiboot kernel's: finishes the prepared information by what only the machine knows, its memory
 * map, its memory sizes, the ACPI root pointer and more words for the command line. 32-bit protected mode, flat segments,
 * interrupts off, no stack; ebx = PVH's start info. The bytes of this file are in multiboot_entry.py; a test compares. */

/* Of the start info (version 1). */
#define COMMAND_LINE 0x18
#define RSDP 0x20
#define MEMORY_MAP 0x28
#define MEMORY_MAP_ENTRIES 0x30
#define RANGE_SIZE 24 /* start, size, type, reserved: as in a Multiboot2 memory map */
#define RANGE_MAX 64
#define RAM 1
#define WORDS_MAX 1024 /* bytes of the start info's command line */

/* Of the parameters, which ebp leads to: all addresses. */
#define KERNEL_ENTRY 0
#define INFORMATION 4
#define FREE 8 /* behind the prepared information */
#define OWN_COMMAND_LINE 12

    .text
    .code32

.macro begin
    movl $0x12345678, %ebp     /* the parameters: written here when the stub is placed */
    cld
    movl FREE(%ebp), %edi
.endm

/* To edi: the prepared command line, and the start info's behind it. Clobbers eax, ecx, edx, esi. */
.macro copy_command_line
    movl %edi, %edx
    movl OWN_COMMAND_LINE(%ebp), %esi
1:  lodsb
    stosb
    testb %al, %al
    jnz 1b
    decl %edi
    movl COMMAND_LINE(%ebx), %esi
    testl %esi, %esi
    jz 3f
    cmpb $0, (%esi)
    je 3f
    cmpl %edx, %edi
    je 2f
    movb $32, %al
    stosb
2:  movl $WORDS_MAX, %ecx
1:  lodsb
    testb %al, %al
    jz 3f
    stosb
    decl %ecx
    jnz 1b
3:  xorl %eax, %eax
    stosb
.endm

/* esi, ecx: the memory map and its number of ranges. Clobbers nothing else. */
.macro memory_map
    movl MEMORY_MAP(%ebx), %esi
    movl MEMORY_MAP_ENTRIES(%ebx), %ecx
    cmpl $RANGE_MAX, %ecx
    jbe 1f
    movl $RANGE_MAX, %ecx
1:
.endm

/* KiB of the memory at 0 and of that at 1 MiB. Clobbers eax, ecx, edx, esi. */
.macro memory_sizes base, lower, upper
    memory_map
1:  testl %ecx, %ecx
    jz 4f
    cmpl $RAM, 16(%esi)
    jne 3f
    cmpl $0, 4(%esi)
    jne 3f
    movl 8(%esi), %eax
    movl 12(%esi), %edx
    shrdl $10, %edx, %eax
    cmpl $0, (%esi)
    jne 2f
    movl %eax, \lower(\base)
2:  cmpl $0x100000, (%esi)
    jne 3f
    movl %eax, \upper(\base)
3:  addl $RANGE_SIZE, %esi
    decl %ecx
    jmp 1b
4:
.endm

/* The tag that begins at edx ends at edi; the next begins at a multiple of 8. */
.macro end_tag
    movl %edi, %eax
    subl %edx, %eax
    movl %eax, 4(%edx)
    addl $7, %edi
    andl $-8, %edi
.endm

    .globl multiboot2_entry
multiboot2_entry:
    begin
    movl $1, (%edi)            /* command line */
    addl $8, %edi
    copy_command_line
    subl $8, %edx
    end_tag

    movl $4, (%edi)            /* memory sizes */
    movl $16, 4(%edi)
    movl $0, 8(%edi)
    movl $0, 12(%edi)
    memory_sizes %edi, 8, 12
    addl $16, %edi

    movl %edi, %edx            /* memory map */
    movl $6, (%edi)
    movl $RANGE_SIZE, 8(%edi)
    movl $0, 12(%edi)
    addl $16, %edi
    memory_map
    imull $(RANGE_SIZE / 4), %ecx, %ecx
    rep movsl
    end_tag

    movl RSDP(%ebx), %esi      /* ACPI */
    testl %esi, %esi
    jz 2f
    movl %edi, %edx
    movl $14, (%edi)
    movl $20, %ecx
    cmpb $2, 15(%esi)
    jb 1f
    movl $15, (%edi)
    movl $36, %ecx
1:  addl $8, %edi
    rep movsb
    end_tag
2:  movl $0, (%edi)            /* the end */
    movl $8, 4(%edi)
    addl $8, %edi
    movl INFORMATION(%ebp), %ebx
    subl %ebx, %edi
    movl %edi, (%ebx)
    movl $0x36d76289, %eax
    jmp *KERNEL_ENTRY(%ebp)

    .globl multiboot1_entry
multiboot1_entry:
    begin
    movl INFORMATION(%ebp), %eax
    movl %edi, 16(%eax)        /* cmdline */
    copy_command_line
    addl $7, %edi
    andl $-8, %edi
    memory_map
    movl INFORMATION(%ebp), %eax
    movl %edi, 48(%eax)        /* mmap_addr */
    imull $RANGE_SIZE, %ecx, %edx
    movl %edx, 44(%eax)        /* mmap_length */
    movl %ecx, %edx
1:  testl %edx, %edx
    jz 2f
    movl $20, %eax             /* the size of what follows of an entry */
    stosl
    movl $5, %ecx
    rep movsl
    addl $4, %esi
    decl %edx
    jmp 1b
2:  movl INFORMATION(%ebp), %edi
    memory_sizes %edi, 4, 8
    movl %edi, %ebx
    movl $0x2badb002, %eax
    jmp *KERNEL_ENTRY(%ebp)
    .globl stub_end
stub_end:
    .section .note.GNU-stack, "", @progbits
