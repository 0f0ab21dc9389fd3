#include "point.h"

#define TEETH ED25519_TEETH
#define DISTANCE (256 / TEETH) /* bits: a tooth is a word of the number */

/* A result before its coordinates are multiplied: x = e/g, y = h/f. */
struct quotients {
    struct field e, f, g, h;
};

_Static_assert(sizeof(struct field) == sizeof(uint64_t[5]), "entries of multiples are fields");
static const struct point zero = {.y = {{1}}, .z = {{1}}};

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

/* p + q: of q an entry of its multiples. */
static void add(struct quotients *out, const struct point *p, const uint64_t entry[3][5])
{
    const struct field *q = (const struct field *)entry;
    struct field a, b, c, z;
    a = field_subtract(&p->y, &p->x);
    b = field_add(&p->y, &p->x);
    field_multiply(&a, &a, &q[1]);
    field_multiply(&b, &b, &q[0]);
    field_multiply(&c, &p->t, &q[2]);
    z = field_add(&p->z, &p->z);
    out->e = field_subtract(&b, &a);
    out->h = field_add(&b, &a);
    out->f = field_subtract(&z, &c);
    out->g = field_add(&z, &c);
}

/* Bit i of each word. */
static unsigned column(const uint64_t a[TEETH], unsigned i)
{
    unsigned number = 0;
    for (unsigned tooth = 0; tooth < TEETH; tooth++)
        number |= (unsigned)(a[tooth] >> i & 1) << tooth;
    return number;
}

struct point point_combine(const uint64_t a[4], const struct ed25519_multiples *p, const uint64_t b[4],
                           const struct ed25519_multiples *q)
{
    struct point sum = zero;
    for (unsigned i = DISTANCE; i--;) {
        const unsigned of_p = column(a, i), of_q = column(b, i);
        struct quotients result;
        twice(&result, &sum);
        if (of_p) {
            finish(&sum, &result);
            add(&result, &sum, p->entry[of_p - 1]);
        }
        if (of_q) {
            finish(&sum, &result);
            add(&result, &sum, q->entry[of_q - 1]);
        }
        finish_without_t(&sum, &result);
    }
    return sum; /* without t */
}
