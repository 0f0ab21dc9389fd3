/* The address of plugin_counter by a TLS descriptor. */
    .text
    .globl plugin_descriptor
    .type plugin_descriptor, @function
plugin_descriptor:
    push %rbx
    lea plugin_counter@tlsdesc(%rip), %rax
    call *plugin_counter@tlscall(%rax)
    add %fs:0, %rax
    pop %rbx
    ret
    .section .note.GNU-stack, "", @progbits
