/* Where a thread takes a signal: the frame is the argument, and has all registers but those of the FPU. */
    .text
    .globl __signal_entry
    .hidden __signal_entry, signal_take, signal_return
    .type __signal_entry, @function
__signal_entry:
    movq %rdi, %rbx
    subq $520, %rsp
    cld
    fxsave64 (%rsp)
    call signal_take
    fxrstor64 (%rsp)
    movq %rbx, %rdi
    call signal_return
    ud2
    .size __signal_entry, . - __signal_entry
    .section .note.GNU-stack, "", @progbits
