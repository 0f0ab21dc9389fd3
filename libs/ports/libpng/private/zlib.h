/* libpng's prepared configuration asks for the very zlib that it was made with; later ones keep its interface. */
#ifndef PORTS_ZLIB_H
#define PORTS_ZLIB_H
#include_next <zlib.h>
#undef ZLIB_VERNUM
#define ZLIB_VERNUM 0x12b0
#endif
