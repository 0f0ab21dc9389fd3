/* The parts of libs/ed25519 and libs/imagetree that no program sees, for a test. */
#include <string.h>

#include "blake3.h"
#include "point.h"
#include "scalar.h"
#include "sha512.h"

/* Numbers as bytes; a factor's limbs, at most 2^54 - 1, as they are. */
void field_product(uint8_t bytes[FIELD_SIZE], const struct field *a, const struct field *b)
{
    struct field result;
    field_multiply(&result, a, b);
    field_write(bytes, &result);
}

void field_own_square(uint8_t bytes[FIELD_SIZE], const struct field *a)
{
    struct field result;
    field_square(&result, a);
    field_write(bytes, &result);
}

void field_bytes(uint8_t bytes[FIELD_SIZE], const struct field *a)
{
    field_write(bytes, a);
}

void field_inverse(uint8_t bytes[FIELD_SIZE], const struct field *a)
{
    struct field result;
    field_invert(&result, a);
    field_write(bytes, &result);
}

/* The sum of multiples of two points. */
void points_combined(uint8_t bytes[POINT_SIZE], const uint64_t a[4], const struct ed25519_multiples *p, const uint64_t b[4])
{
    struct point sum = point_combine(a, p, b, &point_base);
    point_write(bytes, &sum);
}

void remainder_by_order(uint8_t bytes[SCALAR_SIZE], const uint8_t number[SCALAR_WIDE_SIZE])
{
    struct scalar result = scalar_remainder(number);
    memcpy(bytes, result.word, SCALAR_SIZE);
}

void sha512(uint8_t digest[SHA512_SIZE], const void *data, size_t size, size_t step)
{
    struct sha512 hash;
    sha512_init(&hash);
    for (size_t done = 0; done < size; done += step)
        sha512_update(&hash, (const uint8_t *)data + done, size - done < step ? size - done : step);
    sha512_finish(&hash, digest);
}

void blake3_of_blocks(const uint8_t *page, unsigned blocks, uint8_t digest[BLAKE3_SIZE])
{
    blake3(page, blocks, digest);
}
