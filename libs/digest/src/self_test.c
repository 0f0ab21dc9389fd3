/* A digest that is wrong would refuse every file, or none: check a known answer before anyone relies on it. */
#include <digest/sha256.h>
#include <string.h>

/* SHA-256 of "abc" (FIPS 180-4, appendix B.1). */
static const uint8_t expected[SHA256_SIZE] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

int digest_self_test_passed;

__attribute__((constructor)) static void self_test(void)
{
    uint8_t digest[SHA256_SIZE];
    sha256("abc", 3, digest);
    if (memcmp(digest, expected, sizeof digest) != 0)
        __builtin_trap();
    digest_self_test_passed = 1;
}
