#include "point.h"

#include <string.h>

#define WINDOW 5                      /* bits; a digit is odd, from -15 to 15 */
#define MULTIPLES (1 << (WINDOW - 2)) /* P, 3P, ... 15P */
#define DIGITS 256

/* What an addition needs of its second point. */
struct addend {
    struct field sum, difference, twice_z, twice_dt; /* y + x, y - x, 2z, 2dt */
};

/* A result before its coordinates are multiplied: x = e/g, y = h/f. */
struct quotients {
    struct field e, f, g, h;
};

static const struct field d = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
static const struct field twice_d = {
    {0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
static const struct field root_of_minus_1 = {
    {0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

static const struct point zero = {.y = {{1}}, .z = {{1}}};
/* y = 4/5, x even */
const struct point point_base = {
    .x = {{0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}},
    .y = {{0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}},
    .z = {{1}},
    .t = {{0x68ab3a5b7dda3, 0xeea2a5eadbb, 0x2af8df483c27e, 0x332b375274732, 0x67875f0fd78b7}},
};

/* True: *x is a root of u / v, which has one. */
static bool square_root(struct field *x, const struct field *u, const struct field *v)
{
    struct field v3, v7, check;
    field_square(&v3, v);
    field_multiply(&v3, &v3, v);
    field_square(&v7, &v3);
    field_multiply(&v7, &v7, v);
    field_multiply(x, &v7, u);
    field_power_root(x, x);
    field_multiply(x, x, &v3);
    field_multiply(x, x, u); /* u v^3 (u v^7)^((p - 5) / 8) */
    field_square(&check, x);
    field_multiply(&check, &check, v);
    if (field_equal(&check, u))
        return true;
    field_multiply(x, x, &root_of_minus_1);
    check = field_add(&check, u);
    return field_equal(&check, &field_zero);
}

bool point_read(struct point *out, const uint8_t bytes[POINT_SIZE])
{
    struct field u, v, y2;
    const unsigned sign = bytes[POINT_SIZE - 1] >> 7;
    if (!field_read(&out->y, bytes))
        return false;
    field_square(&y2, &out->y);
    u = field_subtract(&y2, &field_one);
    field_multiply(&v, &y2, &d);
    v = field_add(&v, &field_one);
    if (!square_root(&out->x, &u, &v))
        return false;
    uint8_t x[FIELD_SIZE];
    field_write(x, &out->x);
    if ((x[0] & 1) != sign) {
        if (field_equal(&out->x, &field_zero))
            return false;
        out->x = field_subtract(&field_zero, &out->x);
        field_multiply(&out->x, &out->x, &field_one);
    }
    out->z = field_one;
    field_multiply(&out->t, &out->x, &out->y);
    return true;
}

void point_write(uint8_t bytes[POINT_SIZE], const struct point *point)
{
    struct field inverse, x, y;
    uint8_t x_bytes[FIELD_SIZE];
    field_invert(&inverse, &point->z);
    field_multiply(&x, &point->x, &inverse);
    field_multiply(&y, &point->y, &inverse);
    field_write(x_bytes, &x);
    field_write(bytes, &y);
    bytes[POINT_SIZE - 1] |= (uint8_t)(x_bytes[0] << 7);
}

/* All of a point but t, which doubling does without. */
static void finish_without_t(struct point *out, const struct quotients *r)
{
    field_multiply(&out->x, &r->e, &r->f);
    field_multiply(&out->y, &r->g, &r->h);
    field_multiply(&out->z, &r->f, &r->g);
}

static void finish(struct point *out, const struct quotients *r)
{
    finish_without_t(out, r);
    field_multiply(&out->t, &r->e, &r->h);
}

static void twice(struct quotients *out, const struct point *p)
{
    struct field x2, y2, z2, sum2;
    field_square(&x2, &p->x);
    field_square(&y2, &p->y);
    field_square(&z2, &p->z);
    sum2 = field_add(&p->x, &p->y);
    field_square(&sum2, &sum2);
    z2 = field_add(&z2, &z2);
    out->h = field_add(&x2, &y2);
    out->e = field_subtract(&out->h, &sum2);
    out->g = field_subtract(&x2, &y2);
    out->f = field_add(&z2, &out->g);
}

static void prepare(struct addend *out, const struct point *p)
{
    out->sum = field_add(&p->y, &p->x);
    out->difference = field_subtract(&p->y, &p->x);
    out->twice_z = field_add(&p->z, &p->z);
    field_multiply(&out->twice_dt, &p->t, &twice_d);
}

/* p + q, or with `minus` p - q. */
static void add(struct quotients *out, const struct point *p, const struct addend *q, bool minus)
{
    struct field a, b, c, z;
    a = field_subtract(&p->y, &p->x);
    b = field_add(&p->y, &p->x);
    field_multiply(&a, &a, minus ? &q->sum : &q->difference);
    field_multiply(&b, &b, minus ? &q->difference : &q->sum);
    field_multiply(&c, &p->t, &q->twice_dt);
    field_multiply(&z, &p->z, &q->twice_z);
    out->e = field_subtract(&b, &a);
    out->h = field_add(&b, &a);
    out->f = minus ? field_add(&z, &c) : field_subtract(&z, &c);
    out->g = minus ? field_subtract(&z, &c) : field_add(&z, &c);
}

struct point point_negative(const struct point *point)
{
    struct point result = *point;
    result.x = field_subtract(&field_zero, &point->x);
    result.t = field_subtract(&field_zero, &point->t);
    field_multiply(&result.x, &result.x, &field_one);
    field_multiply(&result.t, &result.t, &field_one);
    return result;
}

bool point_of_small_order(const struct point *point)
{
    struct point multiple = *point;
    for (unsigned i = 0; i < 3; i++) {
        struct quotients result;
        twice(&result, &multiple);
        finish_without_t(&multiple, &result);
    }
    return field_equal(&multiple.x, &field_zero) && field_equal(&multiple.y, &multiple.z);
}

static void odd_multiples(struct addend table[MULTIPLES], const struct point *p)
{
    struct quotients result;
    struct addend second;
    struct point multiple;
    twice(&result, p);
    finish(&multiple, &result);
    prepare(&second, &multiple);
    multiple = *p;
    prepare(&table[0], &multiple);
    for (unsigned i = 1; i < MULTIPLES; i++) {
        add(&result, &multiple, &second, false);
        finish(&multiple, &result);
        prepare(&table[i], &multiple);
    }
}

static unsigned bits_at(const uint64_t a[4], unsigned index, unsigned count)
{
    uint64_t word = a[index / 64] >> index % 64;
    if (index % 64 + count > 64 && index / 64 < 3)
        word |= a[index / 64 + 1] << (64 - index % 64);
    return word & ((1u << count) - 1);
}

/* a = sum of digit[i] 2^i; of WINDOW neighbours at most one is not 0. */
static void digits_of(int8_t digit[DIGITS], const uint64_t a[4])
{
    unsigned carry = 0, i = 0;
    memset(digit, 0, DIGITS);
    while (i < DIGITS) {
        if (bits_at(a, i, 1) == carry) {
            i++;
            continue;
        }
        int value = (int)(bits_at(a, i, WINDOW) + carry);
        carry = value >> (WINDOW - 1);
        digit[i] = (int8_t)(value - (int)(carry << WINDOW));
        i += WINDOW;
    }
}

struct point point_combine(const uint64_t a[4], const struct point *p, const uint64_t b[4], const struct point *q)
{
    struct addend table[2][MULTIPLES];
    int8_t digit[2][DIGITS];
    odd_multiples(table[0], p);
    odd_multiples(table[1], q);
    digits_of(digit[0], a);
    digits_of(digit[1], b);
    unsigned i = DIGITS;
    while (i && !digit[0][i - 1] && !digit[1][i - 1])
        i--;
    struct point sum = zero;
    while (i--) {
        struct quotients result;
        twice(&result, &sum);
        for (unsigned each = 0; each < 2; each++) {
            int value = digit[each][i];
            if (!value)
                continue;
            finish(&sum, &result);
            add(&result, &sum, &table[each][(value < 0 ? -value : value) / 2], value < 0);
        }
        if (i)
            finish_without_t(&sum, &result);
        else
            finish(&sum, &result);
    }
    return sum;
}
