/* Arithmetic of SSE: results, MXCSR's flags and modes, #XM; and integers of BMI where CPUID has them.
 *
 * QEMU's TCG raises no #XM, does not flag denormal operands, nor sees DAZ in minsd, takes the larger of two NaNs and
 * any MXCSR, and has blsi's CF the wrong way round (measured: 7.2). The manual is right: these checks are left out
 * there. */
#include "check.h"
#include "checks.h"

#define VECTOR_SIMD 19

#define INVALID 1
#define DENORMAL 2
#define ZERO_DIVIDE 4
#define OVERFLOW 8
#define UNDERFLOW 16
#define INEXACT 32
#define FLAGS 0x3f

#define MXCSR_INITIAL 0x1f80
#define MXCSR_DAZ 0x40
#define MXCSR_FLUSH 0x8000
#define MXCSR_DOWN 0x2000
#define MXCSR_UP 0x4000
#define MASK_OF_ZERO_DIVIDE 0x200

#define ZERO 0
#define ONE 0x3ff0000000000000
#define TWO 0x4000000000000000
#define THREE 0x4008000000000000
#define HALF 0x3fe0000000000000
#define MINUS_ONE 0xbff0000000000000
#define INFINITE 0x7ff0000000000000
#define LARGEST 0x7fefffffffffffff
#define SMALLEST_NORMAL 0x0010000000000000
#define SMALLEST 1
#define QUIET 0x7ff8000000000001
#define OTHER_QUIET 0x7ff8000000000002
#define SIGNALING 0x7ff0000000000123
#define INDEFINITE 0xfff8000000000000
#define MEGA 0x43e0000000000000 /* 2^63 */

static uint32_t mxcsr;

static void load_mxcsr(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

/* What an instruction on two numbers leaves in the first; its flags in mxcsr. */
#define SSE(instruction, first, second, control)                                                     \
    ({                                                                                               \
        uint64_t a_ = (first), b_ = (second), out_;                                                  \
        load_mxcsr(control);                                                                         \
        __asm__ volatile("movq %2, %%xmm0\n\tmovq %3, %%xmm1\n\t" instruction "\n\tmovq %%xmm0, %0\n\t" \
                         "stmxcsr %1"                                                                \
                         : "=m"(out_), "=m"(mxcsr)                                                   \
                         : "m"(a_), "m"(b_)                                                          \
                         : "rax", "memory");                                                         \
        out_;                                                                                        \
    })

static void check_flags(const char *name, uint64_t got, uint64_t wanted, unsigned flags)
{
    check(name, got, wanted);
    check(name, mxcsr & FLAGS, flags);
}

#define CHECK(name, instruction, first, second, control, wanted, flags) \
    check_flags(name, SSE(instruction, first, second, control), wanted, flags)

static void check_results(void)
{
    CHECK("divsd by 0", "divsd %%xmm1, %%xmm0", ONE, ZERO, MXCSR_INITIAL, INFINITE, ZERO_DIVIDE);
    CHECK("divsd of 0 by 0", "divsd %%xmm1, %%xmm0", ZERO, ZERO, MXCSR_INITIAL, INDEFINITE, INVALID);
    CHECK("divsd of 1 by 3", "divsd %%xmm1, %%xmm0", ONE, THREE, MXCSR_INITIAL, 0x3fd5555555555555, INEXACT);
    CHECK("divsd rounded up", "divsd %%xmm1, %%xmm0", ONE, THREE, MXCSR_INITIAL | MXCSR_UP, 0x3fd5555555555556,
          INEXACT);
    CHECK("an exact sum flags nothing", "addsd %%xmm1, %%xmm0", ONE, TWO, MXCSR_INITIAL, THREE, 0);
    CHECK("1 - 1 rounded down is -0", "subsd %%xmm1, %%xmm0", ONE, ONE, MXCSR_INITIAL | MXCSR_DOWN, 1ull << 63, 0);
    CHECK("mulsd overflows", "mulsd %%xmm1, %%xmm0", LARGEST, TWO, MXCSR_INITIAL, INFINITE, OVERFLOW | INEXACT);
    CHECK("mulsd overflows downwards", "mulsd %%xmm1, %%xmm0", LARGEST, TWO, MXCSR_INITIAL | MXCSR_DOWN, LARGEST,
          OVERFLOW | INEXACT);
    CHECK("mulsd underflows", "mulsd %%xmm1, %%xmm0", SMALLEST_NORMAL | 1, HALF, MXCSR_INITIAL, SMALLEST_NORMAL / 2,
          UNDERFLOW | INEXACT);
    CHECK("an exact denormal flags nothing", "mulsd %%xmm1, %%xmm0", SMALLEST_NORMAL, HALF, MXCSR_INITIAL,
          SMALLEST_NORMAL / 2, 0);
    CHECK("FTZ", "mulsd %%xmm1, %%xmm0", SMALLEST_NORMAL, HALF, MXCSR_INITIAL | MXCSR_FLUSH, 0, UNDERFLOW | INEXACT);
    CHECK("DAZ", "addsd %%xmm1, %%xmm0", SMALLEST, ZERO, MXCSR_INITIAL | MXCSR_DAZ, 0, 0);
    CHECK("sqrtsd of -1", "sqrtsd %%xmm1, %%xmm0", ZERO, MINUS_ONE, MXCSR_INITIAL, INDEFINITE, INVALID);
    CHECK("sqrtsd of 2", "sqrtsd %%xmm1, %%xmm0", ZERO, TWO, MXCSR_INITIAL, 0x3ff6a09e667f3bcd, INEXACT);
    CHECK("a NaN of a later operand", "addsd %%xmm1, %%xmm0", ONE, OTHER_QUIET, MXCSR_INITIAL, OTHER_QUIET, 0);
    CHECK("a signalling NaN becomes quiet", "addsd %%xmm1, %%xmm0", ONE, SIGNALING, MXCSR_INITIAL,
          SIGNALING | 1ull << 51, INVALID);
    CHECK("maxsd with a NaN: the second", "maxsd %%xmm1, %%xmm0", QUIET, ONE, MXCSR_INITIAL, ONE, INVALID);
    CHECK("cmpltsd with a NaN", "cmpltsd %%xmm1, %%xmm0", QUIET, ONE, MXCSR_INITIAL, 0, INVALID);
    CHECK("cmpeqsd with a NaN", "cmpeqsd %%xmm1, %%xmm0", QUIET, ONE, MXCSR_INITIAL, 0, 0);
    CHECK("cvtsd2ss", "cvtsd2ss %%xmm1, %%xmm0", ZERO, 0x3ff0000010000001, MXCSR_INITIAL, 0x3f800001, INEXACT);
    CHECK("cvtsd2si of 2^63", "cvtsd2si %%xmm1, %%rax\n\tmovq %%rax, %%xmm0", ZERO, MEGA, MXCSR_INITIAL, 1ull << 63,
          INVALID);
    CHECK("cvtsd2si of 1/2", "cvtsd2si %%xmm1, %%rax\n\tmovq %%rax, %%xmm0", ZERO, HALF, MXCSR_INITIAL, 0, INEXACT);
    CHECK("cvtsd2si of 1/2, up", "cvtsd2si %%xmm1, %%rax\n\tmovq %%rax, %%xmm0", ZERO, HALF,
          MXCSR_INITIAL | MXCSR_UP, 1, INEXACT);
    CHECK("comisd with a NaN", "comisd %%xmm1, %%xmm0", QUIET, ONE, MXCSR_INITIAL, QUIET, INVALID);
    CHECK("ucomisd with a NaN", "ucomisd %%xmm1, %%xmm0", QUIET, ONE, MXCSR_INITIAL, QUIET, 0);
    if (check_is_tcg())
        return;
    CHECK("DAZ of minsd", "minsd %%xmm1, %%xmm0", ONE, SMALLEST, MXCSR_INITIAL | MXCSR_DAZ, 0, 0);
    CHECK("two NaNs: the first", "addsd %%xmm1, %%xmm0", QUIET, OTHER_QUIET, MXCSR_INITIAL, QUIET, 0);
    CHECK("a denormal operand", "addsd %%xmm1, %%xmm0", SMALLEST, SMALLEST, MXCSR_INITIAL, 2, DENORMAL);
}

static void check_rounding(void)
{
    uint32_t eax = 1, ebx, ecx, edx;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    if (!(ecx >> 19 & 1)) /* SSE 4.1 */
        return;
    CHECK("roundsd up", "roundsd $2, %%xmm1, %%xmm0", ZERO, HALF, MXCSR_INITIAL, ONE, INEXACT);
    CHECK("roundsd that flags nothing", "roundsd $10, %%xmm1, %%xmm0", ZERO, HALF, MXCSR_INITIAL, ONE, 0);
}

static void check_mxcsr(void)
{
    static uint8_t state[512] __attribute__((aligned(16)));
    SSE("divsd %%xmm1, %%xmm0", ONE, ZERO, MXCSR_INITIAL);
    __asm__ volatile("fxsave64 %0" : "=m"(state));
    check("fxsave has MXCSR's flags", *(uint32_t *)(state + 24), MXCSR_INITIAL | ZERO_DIVIDE);
    load_mxcsr(MXCSR_INITIAL);
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    check("ldmxcsr clears flags", mxcsr, MXCSR_INITIAL);
    __asm__ volatile("fxrstor64 %1\n\tstmxcsr %0" : "=m"(mxcsr) : "m"(state));
    check("fxrstor brings flags back", mxcsr, MXCSR_INITIAL | ZERO_DIVIDE);
    load_mxcsr(MXCSR_INITIAL);
}

static void check_exceptions(void)
{
    static uint32_t unmasked = MXCSR_INITIAL & ~MASK_OF_ZERO_DIVIDE, reserved = 0x10000;
    static uint64_t kept;
    if (check_is_tcg())
        return;
    load_mxcsr(unmasked);
    EXPECT_FAULT("movl $1, %%ecx\n\tcvtsi2sdl %%ecx, %%xmm0\n\txorps %%xmm1, %%xmm1\n\tdivsd %%xmm1, %%xmm0");
    __asm__ volatile("movq %%xmm0, %0\n\tstmxcsr %1" : "=m"(kept), "=m"(mxcsr));
    check("an exception that is not masked", fault_vector, VECTOR_SIMD);
    check("its operand stays", kept, ONE);
    check("its flag", mxcsr & FLAGS, ZERO_DIVIDE);
    load_mxcsr(MXCSR_INITIAL);
    __asm__ volatile("" : : "r"(&reserved));
    fault_forget();
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tldmxcsr %1\n1:"
                     : "=m"(fault_continue)
                     : "m"(reserved)
                     : "rax", "memory");
    check("ldmxcsr of a reserved bit", fault_vector, VECTOR_PROTECTION);
    static uint8_t state[512] __attribute__((aligned(16)));
    __asm__ volatile("fxsave64 %0" : "=m"(state));
    *(uint32_t *)(state + 24) |= reserved;
    fault_forget();
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tmovq %%rax, %0\n\tfxrstor64 %1\n1:"
                     : "=m"(fault_continue)
                     : "m"(state)
                     : "rax", "memory");
    check("fxrstor of a reserved bit", fault_vector, VECTOR_PROTECTION);
}

static bool has_bmi(void)
{
    uint32_t eax = 7, ebx, ecx = 0, edx;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ebx >> 3 & ebx >> 8 & 1;
}

/* Without CR4.OSXSAVE, which this kernel does not set, no processor has AVX. */
static void check_avx(void)
{
    EXPECT_FAULT("vpaddd %%xmm1, %%xmm2, %%xmm3");
    check("AVX that is not turned on", fault_vector, VECTOR_INVALID);
    EXPECT_FAULT("vpshufb %%xmm1, %%xmm2, %%xmm3");
    check("AVX of another map", fault_vector, VECTOR_INVALID);
}

/* The result and, in bits 32 to 43, the flags. */
#define INTEGER(instruction, source, control)                                                   \
    ({                                                                                          \
        uint64_t value_ = (source), flags_, by_ = (control);                                    \
        __asm__ volatile(instruction "\n\tpushfq\n\tpopq %1"                                    \
                         : "+r"(value_), "=r"(flags_)                                           \
                         : "r"(by_)                                                             \
                         : "cc", "memory");                                                     \
        (value_ & 0xffffffff) | (flags_ & 0x8c1) << 32;                                         \
    })

static void check_bmi(void)
{
    const uint64_t all = 0xffffffffffffffff, carry = 1ull << 32, zero = 0x40ull << 32, sign = 0x80ull << 32;
    if (!has_bmi() || check_is_tcg())
        return;
    check("blsi", INTEGER("blsil %k0, %k0", 0xc, 0), 4 | carry);
    check("blsi of 0", INTEGER("blsil %k0, %k0", 0, 0), zero);
    check("blsr", INTEGER("blsrl %k0, %k0", 0xc, 0), 8);
    check("bzhi beyond the end", INTEGER("bzhil %k2, %k0, %k0", all, 40), 0xffffffff | carry | sign);
    check("bzhi", INTEGER("bzhil %k2, %k0, %k0", all, 4), 0xf);
    check("bextr of 32 bits", INTEGER("bextrl %k2, %k0, %k0", all, 0x2004) & 0xffffffff, 0x0fffffff);
    check("bextr beyond the end", INTEGER("bextrl %k2, %k0, %k0", all, 0x0828), zero);
    check("pdep of 32 bits", INTEGER("pdepl %k2, %k0, %k0", 0x5, 0xf0f0) & 0xffffffff, 0x50);
}

void check_sse(void)
{
    check_results();
    check_rounding();
    check_mxcsr();
    check_exceptions();
    check_bmi();
    check_avx();
}
