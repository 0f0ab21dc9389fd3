/* Compress and back, at several levels, with a dictionary of what both sides know, and as a stream. */
#include <string.h>
#include <zstd.h>

#include "sample.h"

#define SIZE 200000u

static uint8_t text[SIZE], packed[SIZE + 1000], unpacked[SIZE];

static void at_once(int level)
{
    size_t size = ZSTD_compress(packed, sizeof packed, text, SIZE, level);
    require(!ZSTD_isError(size) && ZSTD_getFrameContentSize(packed, size) == SIZE, "ZSTD_compress");
    require(ZSTD_decompress(unpacked, SIZE, packed, size) == SIZE && memcmp(text, unpacked, SIZE) == 0, "what came back");
    printf("level %d: %zu bytes, %016llx\n", level, size, (unsigned long long)digest(packed, size));
}

static void with_dictionary(void)
{
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    ZSTD_DCtx *unpacker = ZSTD_createDCtx();
    size_t size = ZSTD_compress_usingDict(packer, packed, sizeof packed, text + 5000, 500, text, 5000, 3);
    size_t got = ZSTD_decompress_usingDict(unpacker, unpacked, SIZE, packed, size, text, 5000);
    require(got == 500 && memcmp(text + 5000, unpacked, 500) == 0, "with a dictionary");
    printf("500 bytes with a dictionary: %zu bytes\n", size);
    printf("without it: %s\n", ZSTD_getErrorName(ZSTD_decompressDCtx(unpacker, unpacked, 499, packed, size)));
    ZSTD_freeCCtx(packer);
    ZSTD_freeDCtx(unpacker);
}

static void as_stream(void)
{
    ZSTD_CStream *stream = ZSTD_createCStream();
    ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1);
    ZSTD_outBuffer out = {packed, sizeof packed, 0};
    for (size_t at = 0; at < SIZE; at += 10000) {
        ZSTD_inBuffer in = {text + at, 10000, 0};
        ZSTD_EndDirective end = at + 10000 == SIZE ? ZSTD_e_end : ZSTD_e_continue;
        require(!ZSTD_isError(ZSTD_compressStream2(stream, &out, &in, end)), "ZSTD_compressStream2");
    }
    ZSTD_freeCStream(stream);
    packed[out.pos - 1] ^= 1;
    printf("stream: %zu bytes; damaged: %s\n", out.pos, ZSTD_getErrorName(ZSTD_decompress(unpacked, SIZE, packed, out.pos)));
}

int main(void)
{
    fill_sample(text, SIZE);
    printf("zstd %s\n", ZSTD_versionString());
    for (int level = -3; level <= 15; level += 6)
        at_once(level);
    with_dictionary();
    as_stream();
    return 0;
}
