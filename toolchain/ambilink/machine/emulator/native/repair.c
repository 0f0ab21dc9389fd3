/* Instructions that Unicorn translates wrongly.
 *
 * bextr, blsi, bzhi, pdep, and cmpxchg between 32-bit registers: while one is translated, Unicorn is shown an undefined
 * instruction in its place; that raises #UD when it is executed, and here it is carried out. Those of AVX, which CPUID
 * does not promise and Unicorn takes for SSE's, are undefined, too. cmpxchg of a 32-bit word in memory: what is made of
 * it is corrected. */
#include "machine.h"
#include "x87.h"

REPLACES_SYMBOL(cpu_ldub_code_x86_64, uint32_t, (struct cpu *cpu, uint64_t address));
REPLACES_SYMBOL(tcg_gen_op2_x86_64, void, (void *translator, unsigned operation, uint64_t first, uint64_t second));
UNICORNS(cpu_loop_exit_noexc_x86_64, void, (void *));

#define LONGEST 15
#define UNDEFINED_OPCODE 0xff /* of the maps 0F and 0F 38 */

#define VEX3 0xc4
#define VEX2 0xc5
#define MAP_0F38 2
#define MAP_0F3A 3
#define BEXTR 0xf7
#define BZHI_PDEP 0xf5
#define BLS 0xf3
#define CMPXCHG 0xb1
#define INT1 0xf1
#define VECTOR_DEBUG 1
#define PREFIX_NONE 0
#define PREFIX_F2 3

#define HFLAG_CS32 (1 << 4)
#define HFLAG_CS64 (1 << 15)
#define CC_EFLAGS 1
#define FLAG_C 0x1u
#define FLAG_P 0x4u
#define FLAG_A 0x10u
#define FLAG_Z 0x40u
#define FLAG_S 0x80u

/* The instruction that is being translated: where it starts, and its bytes. */
static uint64_t starts_at;
static uint8_t bytes[LONGEST];
static unsigned fetched;

/* Where RAX and the CPU's state lie among the translator's variables, by what Unicorn was given when it made them. */
static void *rax, *environment;

REPLACES_SYMBOL(tcg_global_mem_new_internal_x86_64, void *,
    (void *translator, int type, void *base, intptr_t offset, const char *name));
REPLACES_SYMBOL(tcg_gen_ext32u_i64_x86_64, void, (char *translator, char *to, char *from));
UNICORNS(tcg_temp_new_internal_x86_64, char *, (void *translator, int type, bool is_local));
UNICORNS(tcg_temp_free_internal_x86_64, void, (void *translator, char *variable));
UNICORNS(tcg_gen_movcond_i64_x86_64, void,
    (void *translator, int condition, char *to, char *a, char *b, char *then, char *otherwise));

UNICORNS(tcg_const_i32_x86_64, char *, (void *translator, int32_t value));
UNICORNS(tcg_gen_callN_x86_64, void, (void *translator, void *function, void *result, int count, void **arguments));
EXPORT void helper_fmov_FT0_STN_x86_64(struct cpu *cpu, int st);

#define TYPE_I64 1
#define CONDITION_EQUAL 8

static bool is_prefix(uint8_t byte, bool is64)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67};
    for (unsigned i = 0; i < sizeof prefixes; i++)
        if (byte == prefixes[i])
            return true;
    return is64 && byte >> 4 == 4 && !(byte & 8); /* REX without W */
}

/* A VEX prefix and an opcode that is not of BMI. */
static bool is_avx(const uint8_t *code, unsigned size, bool is64)
{
    if (size < 3 || (!is64 && code[1] < 0xc0))
        return false;
    if (code[0] == VEX2)
        return size == 3;
    if (code[0] != VEX3 || size != 4)
        return false;
    switch (code[1] & 31) {
    case MAP_0F38:
        return code[3] < 0xf2 || code[3] > 0xf7 || code[3] == 0xf4;
    case MAP_0F3A:
        return code[3] != 0xf0;
    default:
        return true;
    }
}

/* cmpxchg of 32 bits in memory. */
static bool is_exchange(void)
{
    unsigned i = 0;
    while (i < fetched && (is_prefix(bytes[i], true) || bytes[i] == 0xf0))
        i++;
    return i + 2 < fetched && bytes[i] == 0x0f && bytes[i + 1] == CMPXCHG && bytes[i + 2] < 0xc0;
}

/* fcmov, up to ModRM. */
static bool is_conditional_move(void)
{
    unsigned i = 0;
    while (i < fetched && is_prefix(bytes[i], true))
        i++;
    return i + 2 == fetched && (bytes[i] == 0xda || bytes[i] == 0xdb) && bytes[i + 1] >= 0xc0 && bytes[i + 1] < 0xe0;
}

/* Unicorn calls for an fcmov whose condition is true alone: call x87_begin_conditional_move before the condition is
 * looked at. Unicorn knows its own functions only, so the call is made for one with the same arguments. */
static void begin_conditional_move(struct cpu *cpu, unsigned st)
{
    char *translator = pointer_at(pointer_at(cpu, STATE_ENGINE), ENGINE_TRANSLATOR);
    char *index = translator + (uintptr_t)ORIGINAL(tcg_const_i32_x86_64)(translator, (int32_t)st);
    void *arguments[] = {translator + (uintptr_t)environment, index};
    ORIGINAL(tcg_gen_callN_x86_64)(translator, (void *)helper_fmov_FT0_STN_x86_64, NULL, 2, arguments);
    char *links = pointer_at(translator, TRANSLATOR_LAST);
    struct operation *call = (struct operation *)(links - offsetof(struct operation, next));
    if (call->code == OPERATION_CALL && call->arguments[2] == (uint64_t)helper_fmov_FT0_STN_x86_64)
        call->arguments[2] = (uint64_t)x87_begin_conditional_move;
    ORIGINAL(tcg_temp_free_internal_x86_64)(translator, index);
}

/* Whether these bytes, up to the opcode, are one of the instructions above. */
static bool is_wrong(struct cpu *cpu, const uint8_t *code, unsigned size, uint64_t next)
{
    bool is64 = cpu->hflags & HFLAG_CS64;
    while (size > 2 && is_prefix(*code, is64)) {
        code++;
        size--;
    }
    if (is_avx(code, size, is64))
        return true;
    if (size == 4 && code[0] == VEX3 && (code[1] & 31) == MAP_0F38 && (is64 || code[1] >= 0xc0) && !(code[2] & 4)) {
        unsigned prefix = code[2] & 3;
        if (code[3] == BZHI_PDEP)
            return prefix == PREFIX_NONE || (prefix == PREFIX_F2 && !(code[2] & 0x80));
        return prefix == PREFIX_NONE && (code[3] == BEXTR || code[3] == BLS);
    }
    if (size == 2 && code[0] == 0x0f && code[1] == CMPXCHG && is64)
        return ORIGINAL(cpu_ldub_code_x86_64)(cpu, next) >= 0xc0;
    return false;
}

EXPORT uint32_t cpu_ldub_code_x86_64(struct cpu *cpu, uint64_t address)
{
    struct machine *machine = machine_of_state((struct cpu_state *)cpu);
    if (machine != NULL)
        machine->is_translating = 1;
    uint32_t byte = ORIGINAL(cpu_ldub_code_x86_64)(cpu, address);
    if (machine != NULL)
        machine->is_translating = 0;
    if (address != starts_at + fetched || fetched >= LONGEST)
        return byte;
    bytes[fetched++] = (uint8_t)byte;
    if (environment != NULL && is_conditional_move())
        begin_conditional_move(cpu, byte & 7);
    return fetched >= 2 && is_wrong(cpu, bytes, fetched, address + 1) ? UNDEFINED_OPCODE : byte;
}

EXPORT void tcg_gen_op2_x86_64(void *translator, unsigned operation, uint64_t first, uint64_t second)
{
    if (operation == OPERATION_INSTRUCTION_STARTS) {
        starts_at = first;
        fetched = 0;
    }
    ORIGINAL(tcg_gen_op2_x86_64)(translator, operation, first, second);
}

EXPORT void *tcg_global_mem_new_internal_x86_64(void *translator, int type, void *base, intptr_t offset,
                                                const char *name)
{
    void *made = ORIGINAL(tcg_global_mem_new_internal_x86_64)(translator, type, base, offset, name);
    environment = base;
    if (offset == 0)
        rax = (void *)((char *)made - (char *)translator);
    return made;
}

/* cmpxchg sets RAX to what lay in memory, upper half cleared: but not if that was equal, when RAX stays. Variables are
 * named by their distance from the translator. */
EXPORT void tcg_gen_ext32u_i64_x86_64(char *translator, char *to, char *from)
{
    if (to != rax || from == to || !is_exchange()) {
        ORIGINAL(tcg_gen_ext32u_i64_x86_64)(translator, to, from);
        return;
    }
    char *before = ORIGINAL(tcg_temp_new_internal_x86_64)(translator, TYPE_I64, false);
    char *found = ORIGINAL(tcg_temp_new_internal_x86_64)(translator, TYPE_I64, false);
    char *a = (char *)(before - translator), *b = (char *)(found - translator);
    ORIGINAL(tcg_gen_ext32u_i64_x86_64)(translator, a, to);
    ORIGINAL(tcg_gen_ext32u_i64_x86_64)(translator, b, from);
    ORIGINAL(tcg_gen_movcond_i64_x86_64)(translator, CONDITION_EQUAL, to, a, b, to, b);
    ORIGINAL(tcg_temp_free_internal_x86_64)(translator, before);
    ORIGINAL(tcg_temp_free_internal_x86_64)(translator, found);
}

/* An instruction, decoded as far as these need it. */
struct instruction {
    uint64_t at, start;
    unsigned segment; /* of fs and gs: their index; else 0 */
    bool is64, short_address;
    uint8_t rex, vex, opcode; /* rex: as R X B inverted would be; vex: the third byte, or 0 */
    unsigned reg, rm, size;   /* rm: a register; 8 or 4 bytes */
    bool is_register;
    uint64_t address;
};

static uint8_t next_byte(struct cpu *cpu, struct instruction *in)
{
    return (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, in->at++);
}

static int32_t displacement(struct cpu *cpu, struct instruction *in, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)next_byte(cpu, in) << 8 * i;
    return size == 1 ? (int8_t)value : (int32_t)value;
}

static void decode_memory(struct cpu *cpu, struct instruction *in, unsigned mod, unsigned rm)
{
    uint64_t address = 0;
    bool has_base = true;
    unsigned base = rm;
    if (rm == 4) {
        uint8_t sib = next_byte(cpu, in);
        unsigned index = (sib >> 3 & 7) | (in->rex & 2) << 2;
        base = sib & 7;
        if (index != 4)
            address = cpu->registers[index] << (sib >> 6);
        has_base = base != 5 || mod;
        if (!has_base)
            address += (uint64_t)(int64_t)displacement(cpu, in, 4);
    } else if (rm == 5 && mod == 0) {
        has_base = false;
        address = (uint64_t)(int64_t)displacement(cpu, in, 4);
        if (in->is64)
            address += in->at;
    }
    if (has_base)
        address += cpu->registers[base | (in->rex & 1) << 3];
    if (mod)
        address += (uint64_t)(int64_t)displacement(cpu, in, mod == 1 ? 1 : 4);
    if (in->short_address || !in->is64)
        address = (uint32_t)address;
    if (in->segment || !in->is64)
        address += cpu->segments[in->segment ? in->segment : 3].base;
    in->address = in->is64 ? address : (uint32_t)address;
}

static void decode(struct cpu *cpu, struct instruction *in)
{
    uint8_t byte = next_byte(cpu, in);
    for (; is_prefix(byte, in->is64); byte = next_byte(cpu, in)) {
        in->short_address |= byte == 0x67;
        in->segment = byte == 0x64 ? 4 : byte == 0x65 ? 5 : in->segment;
        in->rex = byte >> 4 == 4 ? byte & 7 : 0;
    }
    if (byte == VEX3) {
        uint8_t first = next_byte(cpu, in);
        in->rex = in->is64 ? ~first >> 5 & 7 : 0;
        in->vex = next_byte(cpu, in);
    }
    in->size = in->is64 && in->vex >> 7 ? 8 : 4;
    if (byte == 0x0f || byte == VEX3)
        in->opcode = next_byte(cpu, in);
    uint8_t modrm = next_byte(cpu, in);
    in->reg = (modrm >> 3 & 7) | (in->rex & 4) << 1;
    in->is_register = modrm >> 6 == 3;
    if (in->is_register)
        in->rm = (modrm & 7) | (in->rex & 1) << 3;
    else
        decode_memory(cpu, in, modrm >> 6, modrm & 7);
}

static uint64_t truncated(uint64_t value, unsigned size)
{
    return size == 8 ? value : (uint32_t)value;
}

static uint64_t operand(struct cpu *cpu, const struct instruction *in)
{
    if (in->is_register)
        return truncated(cpu->registers[in->rm], in->size);
    uint64_t value = 0;
    if (in->size == 8)
        return unicorn_load64(cpu, in->address, 0);
    for (unsigned i = 0; i < 2; i++)
        value |= (uint64_t)unicorn_load16(cpu, in->address + 2 * i, 0) << 16 * i;
    return value;
}

/* The flags of a result that keep no overflow. */
static void set_flags(struct cpu *cpu, uint64_t result, unsigned size, bool carry)
{
    cpu->cc_source = (carry ? FLAG_C : 0) | (result ? 0 : FLAG_Z) | (result >> (8 * size - 1) & 1 ? FLAG_S : 0);
    cpu->cc_operation = CC_EFLAGS;
}

static uint64_t extracted(uint64_t value, uint64_t range, unsigned size)
{
    unsigned start = range & 255, length = range >> 8 & 255;
    value = start < 8 * size ? value >> start : 0;
    return length < 64 ? value & (((uint64_t)1 << length) - 1) : value;
}

static uint64_t deposited(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, value >>= 1)
        result |= value & 1 ? mask & -mask : 0;
    return result;
}

static void lowest_bit(struct cpu *cpu, const struct instruction *in, unsigned target)
{
    uint64_t value = operand(cpu, in), result = value & -value;
    bool carry = value != 0;
    if ((in->reg & 7) != 3) {
        result = (in->reg & 7) == 1 ? value & (value - 1) : truncated(value ^ (value - 1), in->size);
        carry = value == 0;
    }
    cpu->registers[target] = result;
    set_flags(cpu, result, in->size, carry);
}

/* Flags as of a comparison of two 32-bit numbers. */
static void compare_exchange(struct cpu *cpu, const struct instruction *in)
{
    uint32_t accumulator = (uint32_t)cpu->registers[0], old = (uint32_t)cpu->registers[in->rm];
    uint32_t difference = accumulator - old, parity = difference & 255;
    uint32_t added = (uint32_t)cpu->registers[in->reg];
    parity ^= parity >> 4;
    set_flags(cpu, difference, 4, accumulator < old);
    cpu->cc_source |= (0x9669 >> (parity & 15) & 1 ? FLAG_P : 0) | ((accumulator ^ old ^ difference) & FLAG_A);
    cpu->cc_source |= ((accumulator ^ old) & (accumulator ^ difference)) >> 31 ? 0x800 : 0;
    if (difference)
        cpu->registers[0] = old;
    else
        cpu->registers[in->rm] = added;
}

/* Carry out the instruction at RIP, if it is one of those. */
static bool carry_out(struct cpu *cpu)
{
    struct instruction in = {.is64 = cpu->hflags & HFLAG_CS64};
    uint8_t code[LONGEST];
    uint64_t base = in.is64 ? 0 : cpu->segments[1].base;
    unsigned size = 0;
    bool found = false;
    for (; size < LONGEST && !found; found = size >= 2 && is_wrong(cpu, code, size, base + cpu->rip + size)) {
        if (size >= 2 && !is_prefix(code[size - 2], in.is64) && size > 6)
            return false;
        code[size] = (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, base + cpu->rip + size);
        size++;
    }
    if (!found)
        return false;
    in.at = in.start = base + cpu->rip;
    decode(cpu, &in);
    if (in.opcode != CMPXCHG && in.opcode != BLS && in.opcode != BEXTR && in.opcode != BZHI_PDEP)
        return false;
    unsigned v = ~in.vex >> 3 & (in.is64 ? 15 : 7);
    uint64_t value, selector = truncated(cpu->registers[v], in.size);
    switch (in.opcode) {
    case BLS:
        lowest_bit(cpu, &in, v);
        break;
    case BEXTR:
        value = extracted(operand(cpu, &in), selector, in.size);
        cpu->registers[in.reg] = value;
        set_flags(cpu, value, in.size, false);
        break;
    case CMPXCHG:
        compare_exchange(cpu, &in);
        break;
    default:
        value = operand(cpu, &in);
        if ((in.vex & 3) == PREFIX_F2) {
            cpu->registers[in.reg] = deposited(selector, value);
            break;
        }
        selector &= 255;
        if (selector < 8 * in.size)
            value &= ((uint64_t)1 << selector) - 1;
        cpu->registers[in.reg] = value;
        set_flags(cpu, value, in.size, selector >= 8 * in.size);
    }
    unicorn_settle(cpu);
    cpu->rip += in.at - in.start;
    return true;
}

/* The size of the instruction at RIP, if it is int1; else 0. */
static unsigned int1_size(struct cpu *cpu)
{
    bool is64 = cpu->hflags & HFLAG_CS64;
    uint64_t start = (is64 ? 0 : cpu->segments[1].base) + cpu->rip;
    for (unsigned i = 0; i < LONGEST; i++) {
        uint8_t byte = (uint8_t)ORIGINAL(cpu_ldub_code_x86_64)(cpu, start + i);
        if (byte == INT1)
            return i + 1;
        bool is_other_prefix = byte == 0x66 || byte == 0xf2 || byte == 0xf3 || (is64 && byte >> 4 == 4);
        if (!is_prefix(byte, is64) && !is_other_prefix)
            return 0;
    }
    return 0;
}

/* int1 is unknown to Unicorn, too: a trap, which asks no gate for its privilege. */
static bool becomes_trap(struct cpu *cpu)
{
    unsigned size = int1_size(cpu);
    if (size == 0)
        return false;
    unicorn_settle(cpu);
    cpu->rip += size;
    return true;
}

REPLACEMENT(raise_exception, void, (struct cpu *cpu, int vector))
{
    if (vector == VECTOR_INVALID_OPCODE && carry_out(cpu))
        ORIGINAL(cpu_loop_exit_noexc_x86_64)((char *)cpu - BEFORE_CPU);
    if (vector == VECTOR_INVALID_OPCODE && becomes_trap(cpu))
        vector = VECTOR_DEBUG;
    __attribute__((musttail)) return ORIGINAL(raise_exception)(cpu, vector);
}
