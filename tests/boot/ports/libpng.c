/* Pictures of several kinds to PNG and back, in memory; a damaged one is refused by longjmp. */
#include <png.h>
#include <string.h>

#include "sample.h"

#define WIDTH 75u
#define HEIGHT 50u

struct stream {
    uint8_t bytes[60000];
    size_t size, read;
};

static struct stream file;
static uint8_t picture[HEIGHT][WIDTH * 8], back[HEIGHT][WIDTH * 8];
static png_bytep rows[HEIGHT], back_rows[HEIGHT];

static void put(png_structp png, png_bytep data, size_t size)
{
    struct stream *to = png_get_io_ptr(png);
    require(to->size + size <= sizeof to->bytes, "room for the file");
    memcpy(to->bytes + to->size, data, size);
    to->size += size;
}

static void get(png_structp png, png_bytep data, size_t size)
{
    struct stream *from = png_get_io_ptr(png);
    if (from->read + size > from->size)
        png_error(png, "the file ends early");
    memcpy(data, from->bytes + from->read, size);
    from->read += size;
}

static void complain(png_structp png, png_const_charp what)
{
    printf("refused: %s\n", what);
    longjmp(png_jmpbuf(png), 1);
}

static void flush(png_structp png)
{
    (void)png;
}

static void encode(int colour, int depth, int interlace)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, complain, NULL);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png)))
        exit(1);
    file.size = 0;
    png_set_write_fn(png, &file, put, flush);
    png_set_IHDR(png, info, WIDTH, HEIGHT, depth, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[4] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
        png_set_PLTE(png, info, palette, 4);
    }
    png_set_text(png, info, &(png_text){.compression = PNG_TEXT_COMPRESSION_NONE, .key = "Title", .text = "rings"}, 1);
    png_set_rows(png, info, rows);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
}

/* Bytes of a row; 0: the file is refused. */
static size_t decode(void)
{
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, complain, NULL);
    png_infop info = png_create_info_struct(png);
    file.read = 0;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    png_set_read_fn(png, &file, get);
    png_read_info(png, info);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t size = png_get_rowbytes(png, info);
    png_read_image(png, back_rows);
    png_read_end(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return size;
}

int main(void)
{
    for (unsigned y = 0; y < HEIGHT; y++) {
        rows[y] = picture[y];
        back_rows[y] = back[y];
        for (unsigned x = 0; x < sizeof picture[0]; x++)
            picture[y][x] = (uint8_t)((x * x + y * y * 7) >> 5);
    }
    static const struct {
        const char *name;
        int colour, depth, interlace;
    } kinds[] = {
        {"8-bit colour", PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE},
        {"16-bit colour with alpha, interlaced", PNG_COLOR_TYPE_RGB_ALPHA, 16, PNG_INTERLACE_ADAM7},
        {"grey", PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_ADAM7},
        {"palette of 2 bits", PNG_COLOR_TYPE_PALETTE, 2, PNG_INTERLACE_NONE},
    };
    printf("libpng %s\n", png_get_libpng_ver(NULL));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        encode(kinds[i].colour, kinds[i].depth, kinds[i].interlace);
        size_t size = decode();
        require(size > 0, kinds[i].name);
        for (unsigned y = 0; y < HEIGHT; y++)
            require(memcmp(picture[y], back[y], kinds[i].depth == 2 ? size - 1 : size) == 0, kinds[i].name);
        printf("%s: %zu bytes, %016llx\n", kinds[i].name, file.size, (unsigned long long)digest(file.bytes, file.size));
    }
    file.bytes[20] ^= 1;
    require(decode() == 0, "a damaged header");
    file.bytes[20] ^= 1;
    file.size -= 20;
    require(decode() == 0, "a short file");
    return 0;
}
