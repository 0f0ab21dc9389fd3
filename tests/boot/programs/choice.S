/* What few objects have, for every linker to get right: a function that is chosen at the start (IFUNC), two versions of a
 * name, data that a program copies (COPY), and a variable that is one in the whole process (UNIQUE). */
    .text
    .globl choice
    .type choice, @gnu_indirect_function
choice:
    lea chosen(%rip), %rax
    ret
    .size choice, . - choice

    .type chosen, @function
chosen:
    mov $11, %eax
    ret
    .size chosen, . - chosen

    .globl choice_old, choice_new
    .type choice_old, @function
choice_old:
    mov $1, %eax
    ret
    .size choice_old, . - choice_old
    .type choice_new, @function
choice_new:
    mov $2, %eax
    ret
    .size choice_new, . - choice_new
    .symver choice_old, choice_kind@CHOICE_1
    .symver choice_new, choice_kind@@CHOICE_2

    .data
    .globl choice_shown
    .type choice_shown, @object
    .size choice_shown, 8
    .balign 8
choice_shown:
    .quad 5

    .globl choice_unique
    .type choice_unique, @gnu_unique_object
    .size choice_unique, 8
choice_unique:
    .quad 7
    .globl choice_unique_at
    .type choice_unique_at, @object
    .size choice_unique_at, 8
choice_unique_at:
    .quad choice_unique

    .section .note.GNU-stack, "", @progbits
