#include <ed25519/ed25519.h>
#include <string.h>

#include "point.h"
#include "scalar.h"
#include "sha512.h"

/* k: what the signature's own point, the key and the message hash to. */
static struct scalar challenge(const uint8_t *signature, const uint8_t *key, const void *message, size_t size)
{
    struct sha512 hash;
    uint8_t digest[SHA512_SIZE];
    sha512_init(&hash);
    sha512_update(&hash, signature, POINT_SIZE);
    sha512_update(&hash, key, ED25519_KEY_SIZE);
    sha512_update(&hash, message, size);
    sha512_finish(&hash, digest);
    return scalar_remainder(digest);
}

bool ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], const struct ed25519_multiples *multiples, const void *message,
                    size_t size, const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    struct scalar s;
    uint8_t r[POINT_SIZE];
    if (!scalar_read(&s, signature + POINT_SIZE))
        return false;
    struct scalar k = challenge(signature, key, message, size);
    struct point sum = point_combine(s.word, &point_base, k.word, multiples); /* [S]B - [k]A */
    point_write(r, &sum);
    return memcmp(r, signature, sizeof r) == 0;
}
