/* A digest that is wrong would refuse every file, or none: check a known answer before anyone relies on it. */
#include <digest/blake2b.h>
#include <string.h>

/* BLAKE2b-256 of "abc". */
static const uint8_t expected[BLAKE2B_SIZE] = {
    0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72, 0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b,
    0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42, 0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19,
};

int digest_self_test_passed;

__attribute__((constructor)) static void self_test(void)
{
    uint8_t digest[BLAKE2B_SIZE];
    blake2b("abc", 3, digest);
    if (memcmp(digest, expected, sizeof digest) != 0)
        __builtin_trap();
    digest_self_test_passed = 1;
}
