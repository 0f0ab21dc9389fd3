/* @name@: checksums of bytes in memory. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const char @identifier@_version[];

/* Adler's sum of `size` bytes. */
uint32_t @identifier@_checksum(const void *data, size_t size);

#ifdef __cplusplus
}
#endif
