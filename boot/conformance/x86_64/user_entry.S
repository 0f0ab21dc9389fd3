/* The user half's first instruction, at USER_CODE. */
    .section .user.start, "ax", @progbits
    .globl user_code_start
user_code_start:
    andq $-16, %rsp
    call user_main
    ud2
    .section .user.end, "ax", @progbits
    .balign 4096
    .globl user_code_end
user_code_end:
    .section .note.GNU-stack, "", @progbits
