#include <@name@/@name@.h>

#define MODULUS 65521

const char @identifier@_version[] = "1.0";

uint32_t @identifier@_checksum(const void *data, size_t size)
{
    const uint8_t *byte = data;
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < size; i++) {
        low = (low + byte[i]) % MODULUS;
        high = (high + low) % MODULUS;
    }
    return high << 16 | low;
}
