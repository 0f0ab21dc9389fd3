/* Calls begin() and ends the process with its result. */
    .globl _start
    .type _start, %function
_start:
#if defined(__x86_64__)
    xorl %ebp, %ebp
    andq $-16, %rsp
    call begin
    movl %eax, %edi
    movl $231, %eax
    syscall
#elif defined(__aarch64__)
    mov x29, #0
    bl begin
    mov x8, #94
    svc #0
#elif defined(__riscv)
    .weak __global_pointer$
    .hidden __global_pointer$
    .option push
    .option norelax
    lla gp, __global_pointer$
    .option pop
    call begin
    li a7, 94
    ecall
#endif
