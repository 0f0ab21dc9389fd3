/* Compress and back: at once at several levels, as a stream in small pieces, and what is damaged is seen. */
#include <string.h>
#include <zlib.h>

#include "sample.h"

#define SIZE 200000u

static uint8_t text[SIZE], packed[SIZE + 1000], unpacked[SIZE];

static void at_once(int level)
{
    uLongf packed_size = sizeof packed, size = sizeof unpacked;
    require(compress2(packed, &packed_size, text, SIZE, level) == Z_OK, "compress2");
    require(uncompress(unpacked, &size, packed, packed_size) == Z_OK && size == SIZE, "uncompress");
    require(memcmp(text, unpacked, SIZE) == 0, "what came back");
    printf("level %d: %lu bytes, %016llx\n", level, packed_size, (unsigned long long)digest(packed, packed_size));
}

static void in_pieces(void)
{
    z_stream stream = {.next_in = text, .avail_in = SIZE, .next_out = packed};
    require(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
    int status = Z_OK;
    while (status == Z_OK) {
        stream.avail_out = 1000;
        status = deflate(&stream, Z_FINISH);
    }
    require(status == Z_STREAM_END && deflateEnd(&stream) == Z_OK, "deflate");
    uLong size = stream.total_out;
    z_stream back = {.next_in = packed, .next_out = unpacked, .avail_out = SIZE};
    require(inflateInit2(&back, 15 + 16) == Z_OK, "inflateInit2");
    for (status = Z_OK; status == Z_OK && back.total_in < size;) {
        back.avail_in = size - back.total_in < 777 ? (uInt)(size - back.total_in) : 777;
        status = inflate(&back, Z_NO_FLUSH);
    }
    require(status == Z_STREAM_END && inflateEnd(&back) == Z_OK && memcmp(text, unpacked, SIZE) == 0, "inflate");
    printf("gzip in pieces: %lu bytes\n", size);
}

static void damaged(void)
{
    uLongf packed_size = sizeof packed, size = sizeof unpacked;
    compress(packed, &packed_size, text, SIZE);
    packed[packed_size / 2] ^= 1;
    printf("damaged: %s\n", uncompress(unpacked, &size, packed, packed_size) == Z_DATA_ERROR ? "seen" : "not seen");
}

static void in_a_file(const char *path)
{
    gzFile file = gzopen(path, "wb9");
    require(file && gzwrite(file, text, SIZE) == (int)SIZE && gzprintf(file, "%d more", 1) == 6 && gzclose(file) == Z_OK, "gzwrite");
    file = gzopen(path, "ab");
    require(gzputs(file, " behind") == 7 && gzclose(file) == Z_OK, "appending");
    char line[20] = "";
    file = gzopen(path, "rb");
    require(gzread(file, unpacked, SIZE) == (int)SIZE && memcmp(text, unpacked, SIZE) == 0, "gzread");
    require(gzgets(file, line, sizeof line) && gzeof(file) && gzclose(file) == Z_OK, "gzgets");
    printf("in a file: %s\n", line);
    remove(path);
}

int main(int count, char **arguments)
{
    fill_sample(text, SIZE);
    printf("zlib %s, crc32 %08lx, adler32 %08lx\n", zlibVersion(), crc32(0, text, SIZE), adler32(1, text, SIZE));
    for (int level = 0; level <= 9; level += 3)
        at_once(level);
    in_pieces();
    damaged();
    if (count > 1)
        in_a_file(arguments[1]);
    return 0;
}
