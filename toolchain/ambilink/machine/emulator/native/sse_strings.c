/* SSE 4.2's comparisons of strings: pcmpestri and its like (Intel volume 2B, chapter 4.1). */
#include "sse.h"

enum aggregation { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

#define CONTROL_WORDS 1
#define CONTROL_SIGNED 2
#define CONTROL_NEGATIVE 0x10
#define CONTROL_VALID_ONLY 0x20
#define CONTROL_OTHER_FORM 0x40 /* the highest index; a mask of whole elements */
#define CONTROL_WIDE 0x100      /* lengths have 64 bits: Unicorn's own mark */
#define RAX 0
#define RCX 1
#define RDX 2
#define XMM0_AFTER_MXCSR 8

struct strings {
    const union xmm *first, *second;
    int first_length, second_length, limit; /* in elements */
    uint32_t control;
};

static int32_t element(const union xmm *from, int index, uint32_t control)
{
    unsigned size = control & CONTROL_WORDS ? 16 : 8;
    uint64_t bits = from->q[(unsigned)index * size / 64] >> (unsigned)index * size % 64;
    if (size == 16)
        return control & CONTROL_SIGNED ? (int16_t)bits : (uint16_t)bits;
    return control & CONTROL_SIGNED ? (int8_t)bits : (uint8_t)bits;
}

static bool is_equal(const struct strings *s, int i, int j)
{
    return element(s->first, i, s->control) == element(s->second, j, s->control);
}

static bool matches(const struct strings *s, int j)
{
    switch ((enum aggregation)(s->control >> 2 & 3)) {
    case EQUAL_ANY:
        for (int i = 0; i < s->first_length && j < s->second_length; i++)
            if (is_equal(s, i, j))
                return true;
        return false;
    case RANGES:
        for (int i = 0; i + 1 < s->first_length && j < s->second_length; i += 2) {
            int32_t value = element(s->second, j, s->control);
            if (element(s->first, i, s->control) <= value && value <= element(s->first, i + 1, s->control))
                return true;
        }
        return false;
    case EQUAL_EACH:
        if (j >= s->first_length || j >= s->second_length)
            return j >= s->first_length && j >= s->second_length;
        return is_equal(s, j, j);
    default: /* the first string begins there, as far as the second reaches */
        for (int i = 0; i < s->first_length && i + j < s->limit; i++)
            if (i + j >= s->second_length || !is_equal(s, i, i + j))
                return false;
        return true;
    }
}

/* A bit for each element of the second string; sets the flags. */
static uint32_t compare(struct cpu *cpu, const struct strings *s)
{
    uint32_t found = 0;
    for (int j = 0; j < s->limit; j++) {
        bool negated = s->control & CONTROL_NEGATIVE && (!(s->control & CONTROL_VALID_ONLY) || j < s->second_length);
        found |= (uint32_t)(matches(s, j) != negated) << j;
    }
    bool zero = s->second_length < s->limit, sign = s->first_length < s->limit;
    cpu->cc_source = (found != 0) | (uint64_t)zero << 6 | (uint64_t)sign << 7 | (uint64_t)(found & 1) << 11;
    return found;
}

static void set_index(struct cpu *cpu, const struct strings *s)
{
    uint32_t found = compare(cpu, s);
    if (!found)
        cpu->registers[RCX] = (uint64_t)s->limit;
    else
        cpu->registers[RCX] = (uint64_t)(s->control & CONTROL_OTHER_FORM ? 31 - __builtin_clz(found)
                                                                         : __builtin_ctz(found));
}

static void set_mask(struct cpu *cpu, const struct strings *s)
{
    uint32_t found = compare(cpu, s);
    union xmm *xmm0 = (union xmm *)((char *)&cpu->mxcsr + XMM0_AFTER_MXCSR);
    union xmm result = {.q = {found, 0}};
    unsigned size = s->control & CONTROL_WORDS ? 16 : 8;
    if (s->control & CONTROL_OTHER_FORM) {
        result.q[0] = 0;
        for (unsigned j = 0; j < (unsigned)s->limit; j++)
            if (found >> j & 1)
                result.q[j * size / 64] |= (((uint64_t)1 << size) - 1) << j * size % 64;
    }
    *xmm0 = result;
}

static int given_length(const struct cpu *cpu, unsigned index, uint32_t control, int limit)
{
    int64_t value = (int64_t)cpu->registers[index];
    if (!(control & CONTROL_WIDE))
        value = (int32_t)value;
    return value > limit || value < -limit ? limit : (int)(value < 0 ? -value : value);
}

static int length_to_zero(const union xmm *from, uint32_t control, int limit)
{
    int length = 0;
    while (length < limit && element(from, length, control))
        length++;
    return length;
}

static struct strings with_lengths(const struct cpu *cpu, const union xmm *d, const union xmm *s, uint32_t control)
{
    int limit = control & CONTROL_WORDS ? 8 : 16;
    return (struct strings){
        d, s, given_length(cpu, RAX, control, limit), given_length(cpu, RDX, control, limit), limit, control,
    };
}

static struct strings to_zeros(const union xmm *d, const union xmm *s, uint32_t control)
{
    int limit = control & CONTROL_WORDS ? 8 : 16;
    return (struct strings){d, s, length_to_zero(d, control, limit), length_to_zero(s, control, limit), limit, control};
}

REPLACEMENT(pcmpestri_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t control))
{
    const struct strings strings = with_lengths(cpu, d, s, control);
    set_index(cpu, &strings);
}

REPLACEMENT(pcmpestrm_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t control))
{
    const struct strings strings = with_lengths(cpu, d, s, control);
    set_mask(cpu, &strings);
}

REPLACEMENT(pcmpistri_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t control))
{
    const struct strings strings = to_zeros(d, s, control);
    set_index(cpu, &strings);
}

REPLACEMENT(pcmpistrm_xmm, void, (struct cpu *cpu, union xmm *d, union xmm *s, uint32_t control))
{
    const struct strings strings = to_zeros(d, s, control);
    set_mask(cpu, &strings);
}
