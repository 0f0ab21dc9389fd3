/* Arithmetic of the x87: results, flags, modes, exceptions. Expected values follow from the format, or are the
 * manual's.
 *
 * QEMU's TCG knows no stack faults, does not flag denormal operands nor say what was rounded up, computes fsin and
 * its like with 53 bits, and raises what is pending at fwait alone (measured: 7.2). The manual is right: these checks
 * are left out. */
#include "check.h"
#include "checks.h"

#define VECTOR_X87 16

#define INVALID 1
#define DENORMAL 2
#define ZERO_DIVIDE 4
#define OVERFLOW 8
#define UNDERFLOW 16
#define INEXACT 32
#define STACK_FAULT 0x40
#define ROUNDED_UP 0x200
#define FLAGS 0x3f

#define SIGNALING64 0x7ff0000000000123
#define ROUND_DOWN 1
#define ROUND_UP 2
#define CONTROL_INITIAL 0x37f

struct extended {
    uint64_t digits;
    uint16_t exponent;
} __attribute__((packed));

#define INTEGER_BIT 0x8000000000000000
static const struct extended zero = {0, 0}, one = {INTEGER_BIT, 0x3fff}, two = {INTEGER_BIT, 0x4000},
                             three = {0xc000000000000000, 0x4000}, minus_one = {INTEGER_BIT, 0xbfff},
                             largest = {0xffffffffffffffff, 0x7ffe}, smallest = {1, 0}, half = {INTEGER_BIT, 0x3ffe},
                             one_and_more = {INTEGER_BIT | 1, 0x3fff}; /* 1 + 2^-63 */

/* What an x87 instruction left. */
static struct extended result;
static uint16_t status;

/* Run an instruction with ST(0) = a and ST(1) = b by a control word; take ST(0) and the status. */
#define X87(instruction, a, b, control)                                                             \
    do {                                                                                            \
        uint16_t word = (control);                                                                  \
        __asm__ volatile("fninit\n\tfldt %3\n\tfldt %2\n\tfldcw %4\n\t" instruction "\n\tfnstsw %1\n\t" \
                         "fnclex\n\tfstpt %0"                                                       \
                         : "=m"(result), "=m"(status)                                               \
                         : "m"(a), "m"(b), "m"(word)                                                \
                         : "memory");                                                               \
    } while (0)

static void check_extended(const char *name, uint16_t exponent, uint64_t digits, unsigned flags)
{
    check(name, result.digits, digits);
    check(name, result.exponent, exponent);
    check(name, status & FLAGS, flags);
}

/* A transcendental function: within one unit of the last place. */
static void check_function(const char *name, uint16_t exponent, uint64_t digits)
{
    check(name, result.digits - digits + 1 <= 2 && result.exponent == exponent, true);
}

static void check_x87_results(void)
{
    const unsigned up = CONTROL_INITIAL | ROUND_UP << 10, down = CONTROL_INITIAL | ROUND_DOWN << 10;
    X87("fadd %%st(1), %%st", one_and_more, zero, CONTROL_INITIAL);
    check_extended("x87: 64 bits of 1 + 2^-63", 0x3fff, INTEGER_BIT | 1, 0);
    X87("fadd %%st(1), %%st", one_and_more, zero, 0x27f);
    check_extended("x87: 53 bits of 1 + 2^-63", 0x3fff, INTEGER_BIT, INEXACT);
    X87("fdiv %%st(1), %%st", one, three, CONTROL_INITIAL);
    check_extended("x87: 1/3", 0x3ffd, 0xaaaaaaaaaaaaaaab, INEXACT);
    if (!check_is_tcg())
        check("x87: 1/3 is rounded up", status & ROUNDED_UP, ROUNDED_UP);
    X87("fdiv %%st(1), %%st", one, three, down);
    check_extended("x87: 1/3 rounded down", 0x3ffd, 0xaaaaaaaaaaaaaaaa, INEXACT);
    X87("fdiv %%st(1), %%st", one, zero, CONTROL_INITIAL);
    check_extended("x87: 1/0", 0x7fff, INTEGER_BIT, ZERO_DIVIDE);
    X87("fdiv %%st(1), %%st", zero, zero, CONTROL_INITIAL);
    check_extended("x87: 0/0", 0xffff, 0xc000000000000000, INVALID);
    X87("fsqrt", minus_one, zero, CONTROL_INITIAL);
    check_extended("x87: the root of -1", 0xffff, 0xc000000000000000, INVALID);
    X87("fsqrt", two, zero, CONTROL_INITIAL);
    check_extended("x87: the root of 2", 0x3fff, 0xb504f333f9de6484, INEXACT);
    X87("fmul %%st(1), %%st", largest, two, CONTROL_INITIAL);
    check_extended("x87: overflow", 0x7fff, INTEGER_BIT, OVERFLOW | INEXACT);
    X87("fmul %%st(1), %%st", largest, two, down);
    check_extended("x87: overflow, rounded down", 0x7ffe, 0xffffffffffffffff, OVERFLOW | INEXACT);
    X87("fscale", half, largest, CONTROL_INITIAL);
    check_extended("fscale far up", 0x7fff, INTEGER_BIT, OVERFLOW | INEXACT);
    X87("fscale", three, two, CONTROL_INITIAL);
    check_extended("fscale", 0x4002, 0xc000000000000000, 0);
    const struct extended two_and_more = {INTEGER_BIT | 1, 0x4000}; /* 2 + 2^-62 */
    X87("fprem", two_and_more, one, CONTROL_INITIAL);
    check_extended("fprem of 2 + 2^-62 by 1", 0x3fff - 62, INTEGER_BIT, 0);
    check("fprem's quotient, 2", status & 0x4700, 0x4000);
    X87("fprem1", three, two, CONTROL_INITIAL);
    check_extended("fprem1 of 3 by 2", 0xbfff, INTEGER_BIT, 0);
    X87("fxtract\n\tfxch", three, zero, CONTROL_INITIAL);
    check_extended("fxtract's exponent", 0x3fff, INTEGER_BIT, 0);
    X87("frndint", half, zero, CONTROL_INITIAL);
    check_extended("frndint of 1/2, to even", 0, 0, INEXACT);
    X87("frndint", half, zero, up);
    check_extended("frndint of 1/2, up", 0x3fff, INTEGER_BIT, INEXACT);
    X87("fldpi", zero, zero, down);
    check_extended("fldpi rounded down", 0x4000, 0xc90fdaa22168c234, 0);
    X87("fldpi", zero, zero, CONTROL_INITIAL);
    check_extended("fldpi", 0x4000, 0xc90fdaa22168c235, 0);
}

static void check_x87_functions(void)
{
    const struct extended ten = {0xa000000000000000, 0x4002};
    X87("fpatan", one, one, CONTROL_INITIAL);
    check_function("fpatan of 1, 1", 0x3ffe, 0xc90fdaa22168c235);
    X87("f2xm1", half, zero, CONTROL_INITIAL);
    check_function("f2xm1 of 1/2", 0x3ffd, 0xd413cccfe7799211);
    X87("fyl2x", ten, one, CONTROL_INITIAL);
    check_function("fyl2x of 10", 0x4000, 0xd49a784bcd1b8afe);
    const struct extended eighth = {INTEGER_BIT, 0x3ffc};
    X87("fyl2xp1", eighth, one, CONTROL_INITIAL);
    check_function("fyl2xp1 of 1/8", 0x3ffc, 0xae00d1cfdeb43cfd);
    if (check_is_tcg())
        return;
    X87("fsin", one, zero, CONTROL_INITIAL);
    check_function("fsin of 1", 0x3ffe, 0xd76aa47848677021);
    X87("fcos", one, zero, CONTROL_INITIAL);
    check_function("fcos of 1", 0x3ffe, 0x8a51407da8345c92);
    X87("fptan\n\tfstp %%st(0)", one, zero, CONTROL_INITIAL);
    check_function("fptan of 1", 0x3fff, 0xc75922e5f71d2dc6);
}

static void check_x87_memory(void)
{
    const struct extended large = {0xfffffffffffffffe, 0x403d}, million = {0xf424000000000000, 0x4012};
    static uint64_t stored[2];
    static uint32_t environment[7];
    static const uint64_t signaling = SIGNALING64;
    __asm__ volatile("fninit\n\tfldt %2\n\tfistpl %0\n\tfnstsw %1" : "=m"(stored), "=m"(status) : "m"(large));
    check("fistp m32 of what does not fit: flags", status & FLAGS, INVALID);
    check("fistp m32 of what does not fit", (uint32_t)stored[0], 0x80000000);
    __asm__ volatile("fninit\n\tfldt %1\n\tfistpll %0" : "=m"(stored) : "m"(large));
    check("fistp m64", stored[0], 0x7fffffffffffffff);
    __asm__ volatile("fninit\n\tfldt %1\n\tfbstp %0" : "=m"(stored) : "m"(million));
    check("fbstp", stored[0], 0x1000000);
    check("fbstp's sign", stored[1] & 0xffff, 0);
    __asm__ volatile("fninit\n\tfldl %1\n\tfnstsw %0" : "=m"(status) : "m"(signaling));
    check("fld m64 of a signalling NaN", status & FLAGS, INVALID);
    __asm__ volatile("fninit\n\tfldz\n\tfld1\n\tfnstenv %0\n\tfldenv %0\n\tfnstsw %1"
                     : "=m"(environment), "=m"(status));
    check("fnstenv's tags", environment[2] & 0xffff, 0x4fff);
    check("fldenv keeps TOP", status >> 11 & 7, 6);
    __asm__ volatile("fninit\n\tfxam\n\tfnstsw %0" : "=m"(status));
    check("fxam of an empty register", status & 0x4500, 0x4100);
}

/* With 1/0 not masked, the next instruction that waits raises #MF. */
static void check_x87_exceptions(void)
{
    static const uint16_t control = CONTROL_INITIAL & ~ZERO_DIVIDE;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfld1\n\tfdiv %%st(1), %%st" : : "m"(control));
    __asm__ volatile("fnstsw %0" : "=m"(status));
    check("x87: ES and B of an exception", status & 0x8080, 0x8080);
    EXPECT_FAULT("fwait");
    check("fwait raises it", fault_vector, VECTOR_X87);
    if (!check_is_tcg()) {
        EXPECT_FAULT("fld1");
        check("so does an instruction", fault_vector, VECTOR_X87);
        __asm__ volatile("fnclex\n\tfxch\n\tfstpt %0" : "=m"(result));
        check("x87: what was divided by 0 stays", result.exponent, 0);
    }
    __asm__ volatile("fninit\n\tfld1\n\tfldz\n\tfdivrp\n\tfnclex\n\tfnstsw %0" : "=m"(status));
    check("fnclex", status & 0x80ff, 0);
    __asm__ volatile("fninit");
    if (check_is_tcg())
        return;
    static const uint16_t overflows = CONTROL_INITIAL & ~OVERFLOW;
    static uint32_t stored = 7;
    __asm__ volatile("fninit\n\tfldt %2\n\tfldcw %3\n\tfstps %0\n\tfnstsw %1"
                     : "+m"(stored), "=m"(status)
                     : "m"(largest), "m"(overflows));
    check("x87: what overflows and is not masked is not stored", stored, 7);
    check("x87: nor popped", status >> 11 & 7, 7);
    EXPECT_FAULT("fwait");
    check("x87: it is raised", fault_vector, VECTOR_X87);
    __asm__ volatile("fninit");
    X87("fadd %%st(1), %%st", smallest, zero, CONTROL_INITIAL);
    check("x87: a denormal operand", status & FLAGS, DENORMAL);
    __asm__ volatile("fninit\n\tfld1\n\tfadd %%st(3), %%st\n\tfnstsw %0\n\tfstpt %1" : "=m"(status), "=m"(result));
    check("x87: stack underflow", status & (FLAGS | STACK_FAULT | ROUNDED_UP), INVALID | STACK_FAULT);
    check("x87: its result", result.exponent, 0xffff);
    __asm__ volatile("fninit\n\t.rept 8\n\tfldz\n\t.endr\n\tfld1\n\tfnstsw %0" : "=m"(status));
    check("x87: stack overflow", status & (FLAGS | STACK_FAULT | ROUNDED_UP), INVALID | STACK_FAULT | ROUNDED_UP);
    __asm__ volatile("fninit");
}

void check_x87(void)
{
    check_x87_results();
    check_x87_functions();
    check_x87_memory();
    check_x87_exceptions();
}
