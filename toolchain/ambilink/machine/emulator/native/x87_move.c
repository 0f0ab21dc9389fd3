/* The x87's loads, stores, stack and constants (Intel volume 1, chapter 8). */
#include "x87.h"

static const struct rounding format32 = {FORMAT32, .masked = FLAGS_ALL};
static const struct rounding format64 = {FORMAT64, .masked = FLAGS_ALL};

static struct extended indefinite(void)
{
    return number_to80(number_indefinite());
}

/* Second operands. */

static void set_operand(struct cpu *cpu, struct number n)
{
    struct extended value = number_to80(n);
    cpu->operand.digits = value.digits;
    cpu->operand.exponent = value.exponent;
    cpu->operand.marks = n.denormal ? MARK_DENORMAL : 0;
}

REPLACEMENT(flds_FT0, void, (struct cpu *cpu, uint32_t value))
{
    x87_begin(cpu, CALLER);
    set_operand(cpu, number_from32(value));
}

REPLACEMENT(fldl_FT0, void, (struct cpu *cpu, uint64_t value))
{
    x87_begin(cpu, CALLER);
    set_operand(cpu, number_from64(value));
}

REPLACEMENT(fildl_FT0, void, (struct cpu *cpu, int32_t value))
{
    x87_begin(cpu, CALLER);
    set_operand(cpu, number_from_integer(value));
}

REPLACEMENT(fldz_FT0, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    set_operand(cpu, number_zero(false));
}

REPLACEMENT(fmov_FT0_STN, void, (struct cpu *cpu, int st))
{
    x87_begin(cpu, CALLER);
    const struct extended *from = &cpu->x87[x87_index(cpu, (unsigned)st)];
    cpu->operand.digits = from->digits;
    cpu->operand.exponent = from->exponent;
    cpu->operand.marks = x87_is_empty(cpu, (unsigned)st) ? MARK_EMPTY : 0;
}

/* Loads. */

static void load(struct cpu *cpu, struct number n)
{
    if (!x87_is_empty(cpu, 7)) {
        x87_push(cpu, indefinite());
        return;
    }
    unsigned flags = n.denormal ? FLAG_DENORMAL : 0;
    if (n.kind == NUMBER_SIGNALING) {
        flags |= FLAG_INVALID;
        n = number_quieted(n);
    }
    /* A denormal operand is loaded even if its exception is not masked. */
    if (x87_accepts(cpu, flags) || !(flags & FLAG_INVALID))
        x87_push(cpu, number_to80(n));
}

REPLACEMENT(flds_ST0, void, (struct cpu *cpu, uint32_t value))
{
    x87_begin(cpu, CALLER);
    load(cpu, number_from32(value));
}

REPLACEMENT(fldl_ST0, void, (struct cpu *cpu, uint64_t value))
{
    x87_begin(cpu, CALLER);
    load(cpu, number_from64(value));
}

REPLACEMENT(fildl_ST0, void, (struct cpu *cpu, int32_t value))
{
    x87_begin(cpu, CALLER);
    load(cpu, number_from_integer(value));
}

REPLACEMENT(fildll_ST0, void, (struct cpu *cpu, int64_t value))
{
    x87_begin(cpu, CALLER);
    load(cpu, number_from_integer(value));
}

static struct extended load80(struct cpu *cpu, uint64_t address, uintptr_t caller)
{
    uint64_t digits = unicorn_load64(cpu, address, caller);
    return (struct extended){.digits = digits, .exponent = (uint16_t)unicorn_load16(cpu, address + 8, caller)};
}

REPLACEMENT(fldt_ST0, void, (struct cpu *cpu, uint64_t address))
{
    x87_begin(cpu, CALLER);
    struct extended value = load80(cpu, address, CALLER);
    x87_flag(cpu, 0, false);
    x87_push(cpu, value);
}

/* fld st(i) and the constants are fpush and another call, which does all. */

REPLACEMENT(fpush, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    cpu->operand.unused[0] |= MARK_PUSHING;
}

/* A constant between two numbers of 64 bits: the lower one, and whether it is the nearest too. */
static void push_constant(struct cpu *cpu, uint16_t exponent, uint64_t digits, bool nearest_is_lower)
{
    unsigned mode = x87_mode(cpu);
    bool up = mode == MODE_UP || (mode == MODE_NEAREST && !nearest_is_lower);
    x87_flag(cpu, 0, false);
    x87_push(cpu, (struct extended){.digits = digits + up, .exponent = exponent});
}

REPLACEMENT(fld1_ST0, void, (struct cpu *cpu))
{
    x87_flag(cpu, 0, false);
    x87_push(cpu, (struct extended){.digits = (uint64_t)1 << 63, .exponent = NUMBER_BIAS});
}

REPLACEMENT(fldz_ST0, void, (struct cpu *cpu))
{
    x87_flag(cpu, 0, false);
    x87_push(cpu, (struct extended){0});
}

REPLACEMENT(fldpi_ST0, void, (struct cpu *cpu))
{
    push_constant(cpu, 0x4000, 0xc90fdaa22168c234, false);
}

REPLACEMENT(fldl2t_ST0, void, (struct cpu *cpu))
{
    push_constant(cpu, 0x4000, 0xd49a784bcd1b8afe, true);
}

REPLACEMENT(fldl2e_ST0, void, (struct cpu *cpu))
{
    push_constant(cpu, 0x3fff, 0xb8aa3b295c17f0bb, false);
}

REPLACEMENT(fldlg2_ST0, void, (struct cpu *cpu))
{
    push_constant(cpu, 0x3ffd, 0x9a209a84fbcff798, false);
}

REPLACEMENT(fldln2_ST0, void, (struct cpu *cpu))
{
    push_constant(cpu, 0x3ffe, 0xb17217f7d1cf79ab, false);
}

void x87_begin_conditional_move(struct cpu *cpu, int st)
{
    x87_begin(cpu, CALLER);
    if (!x87_is_empty(cpu, 0) && !x87_is_empty(cpu, (unsigned)st))
        return;
    if (x87_accepts_stack_fault(cpu, false))
        x87_set(cpu, 0, indefinite());
    cpu->operand.unused[0] |= MARK_DONE;
}

/* fld st(i), where the index is counted from the register that is pushed; or fcmov. */
REPLACEMENT(fmov_ST0_STN, void, (struct cpu *cpu, int st))
{
    unsigned source = (unsigned)st;
    bool pushing = cpu->operand.unused[0] & MARK_PUSHING;
    if (pushing)
        source = (source + 7) & 7;
    else if (cpu->operand.unused[0] & MARK_DONE)
        return;
    struct extended value = cpu->x87[x87_index(cpu, source)];
    bool is_empty = x87_is_empty(cpu, source) || (!pushing && x87_is_empty(cpu, 0));
    x87_flag(cpu, 0, false);
    if (is_empty) {
        if (!x87_accepts_stack_fault(cpu, false))
            return;
        value = indefinite();
    }
    if (pushing && is_empty)
        x87_push_unchecked(cpu, value);
    else if (pushing)
        x87_push(cpu, value);
    else
        x87_set(cpu, 0, value);
}

REPLACEMENT(fmov_STN_ST0, void, (struct cpu *cpu, int st))
{
    x87_begin(cpu, CALLER);
    x87_flag(cpu, 0, false);
    if (x87_has(cpu, x87_is_empty(cpu, 0), (unsigned)st))
        x87_set(cpu, (unsigned)st, cpu->x87[cpu->top]);
}

REPLACEMENT(fxchg_ST0_STN, void, (struct cpu *cpu, int st))
{
    x87_begin(cpu, CALLER);
    unsigned other = (unsigned)st;
    bool empty0 = x87_is_empty(cpu, 0), empty1 = x87_is_empty(cpu, other);
    struct extended first = empty0 ? indefinite() : cpu->x87[cpu->top];
    struct extended second = empty1 ? indefinite() : cpu->x87[x87_index(cpu, other)];
    x87_flag(cpu, 0, false);
    if ((empty0 || empty1) && !x87_accepts_stack_fault(cpu, false))
        return;
    x87_set(cpu, 0, second);
    x87_set(cpu, other, first);
}

REPLACEMENT(fpop, void, (struct cpu *cpu))
{
    if (!(cpu->operand.unused[0] & MARK_SKIP_POP))
        x87_pop(cpu);
}

REPLACEMENT(fdecstp, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    x87_flag(cpu, 0, false);
    cpu->top = x87_index(cpu, 7);
}

REPLACEMENT(fincstp, void, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    x87_flag(cpu, 0, false);
    cpu->top = x87_index(cpu, 1);
}

REPLACEMENT(ffree_STN, void, (struct cpu *cpu, int st))
{
    x87_begin(cpu, CALLER);
    cpu->is_empty[x87_index(cpu, (unsigned)st)] = 1;
}

/* Stores. What is not to be stored is skipped with the rest of the instruction. */

static uint64_t store(struct cpu *cpu, const struct rounding *format, uintptr_t caller)
{
    x87_begin(cpu, caller);
    struct number n = x87_number(cpu, 0);
    unsigned flags = n.kind == NUMBER_SIGNALING || n.kind == NUMBER_UNSUPPORTED ? FLAG_INVALID : 0;
    bool up = false, accepted;
    if (x87_is_empty(cpu, 0)) {
        n = number_indefinite();
        accepted = x87_accepts_stack_fault(cpu, false);
    } else {
        struct rounding how = *format;
        how.mode = (uint8_t)x87_mode(cpu);
        how.masked = cpu->control & FLAGS_ALL;
        n = n.kind == NUMBER_UNSUPPORTED ? number_indefinite() : number_is_nan(n) ? number_quieted(n) : n;
        n = number_round(n, &how, &flags, &up);
        accepted = x87_accepts(cpu, flags & ~(unsigned)FLAG_INEXACT);
        x87_flag(cpu, accepted ? flags : flags & ~(unsigned)FLAG_INEXACT, accepted && up);
    }
    if (!accepted)
        unicorn_skip(cpu, caller);
    return format->precision == 24 ? number_to32(n) : number_to64(n);
}

REPLACEMENT(fsts_ST0, uint32_t, (struct cpu *cpu))
{
    return (uint32_t)store(cpu, &format32, CALLER);
}

REPLACEMENT(fstl_ST0, uint64_t, (struct cpu *cpu))
{
    return store(cpu, &format64, CALLER);
}

static int64_t store_integer(struct cpu *cpu, unsigned bits, unsigned mode, uintptr_t caller)
{
    int64_t value;
    bool inexact, up, accepted;
    if (x87_is_empty(cpu, 0)) {
        accepted = x87_accepts_stack_fault(cpu, false);
    } else if (number_to_integer(x87_number(cpu, 0), mode, bits, &value, &inexact, &up)) {
        x87_flag(cpu, inexact ? FLAG_INEXACT : 0, up);
        return value;
    } else {
        accepted = x87_accepts(cpu, FLAG_INVALID);
    }
    if (!accepted)
        unicorn_skip(cpu, caller);
    return (int64_t)((uint64_t)-1 << (bits - 1));
}

REPLACEMENT(fist_ST0, int32_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return (int32_t)store_integer(cpu, 16, x87_mode(cpu), CALLER);
}

REPLACEMENT(fistl_ST0, int32_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return (int32_t)store_integer(cpu, 32, x87_mode(cpu), CALLER);
}

REPLACEMENT(fistll_ST0, int64_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return store_integer(cpu, 64, x87_mode(cpu), CALLER);
}

REPLACEMENT(fistt_ST0, int32_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return (int32_t)store_integer(cpu, 16, MODE_TRUNCATE, CALLER);
}

REPLACEMENT(fisttl_ST0, int32_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return (int32_t)store_integer(cpu, 32, MODE_TRUNCATE, CALLER);
}

REPLACEMENT(fisttll_ST0, int64_t, (struct cpu *cpu))
{
    x87_begin(cpu, CALLER);
    return store_integer(cpu, 64, MODE_TRUNCATE, CALLER);
}

static void store80(struct cpu *cpu, uint64_t address, struct extended value, uintptr_t caller)
{
    unicorn_store64(cpu, address, value.digits, caller);
    unicorn_store16(cpu, address + 8, value.exponent, caller);
}

REPLACEMENT(fstt_ST0, void, (struct cpu *cpu, uint64_t address))
{
    x87_begin(cpu, CALLER);
    struct extended value = cpu->x87[cpu->top];
    x87_flag(cpu, 0, false);
    if (x87_is_empty(cpu, 0)) {
        if (!x87_accepts_stack_fault(cpu, false))
            return;
        value = indefinite();
    }
    store80(cpu, address, value, CALLER);
}

/* Packed decimal numbers: 18 digits and a sign. */

REPLACEMENT(fbld_ST0, void, (struct cpu *cpu, uint64_t address))
{
    x87_begin(cpu, CALLER);
    int64_t value = 0;
    for (unsigned i = 9; i-- > 0;) {
        uint32_t byte = unicorn_load8(cpu, address + i, CALLER);
        value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    struct number n = number_from_integer(value);
    n.negative = unicorn_load8(cpu, address + 9, CALLER) >> 7;
    load(cpu, n);
}

#define DECIMAL_END 1000000000000000000

REPLACEMENT(fbst_ST0, void, (struct cpu *cpu, uint64_t address))
{
    x87_begin(cpu, CALLER);
    struct number n = x87_number(cpu, 0);
    int64_t value;
    bool inexact, up, accepted = true;
    bool fits = number_to_integer(n, x87_mode(cpu), 64, &value, &inexact, &up);
    fits = fits && value < DECIMAL_END && value > -DECIMAL_END;
    if (x87_is_empty(cpu, 0)) {
        fits = false;
        accepted = x87_accepts_stack_fault(cpu, false);
    } else if (!fits) {
        accepted = x87_accepts(cpu, FLAG_INVALID);
    }
    if (!accepted)
        return;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    for (unsigned i = 0; i < 9; i++, left /= 100) {
        uint32_t byte = (uint32_t)(left % 10 + left / 10 % 10 * 16);
        unicorn_store8(cpu, address + i, fits ? byte : i < 7 ? 0 : i == 7 ? 0xc0 : 0xff, CALLER);
    }
    unicorn_store8(cpu, address + 9, !fits ? 0xff : n.negative ? 0x80 : 0, CALLER);
    if (fits)
        x87_flag(cpu, inexact ? FLAG_INEXACT : 0, up);
}
