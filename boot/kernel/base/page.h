/* Pages: the unit of frames, mappings and the boot image. */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H
#include <ambilink/abi.h>

#define PAGE_SIZE AMBILINK_PAGE_SIZE
#define PAGE_DOWN(x) ((x) & ~(uint64_t)(PAGE_SIZE - 1))
#define PAGE_UP(x) PAGE_DOWN((x) + PAGE_SIZE - 1)
#endif
