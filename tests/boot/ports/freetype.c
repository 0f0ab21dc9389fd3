/* Glyphs of a TrueType font: one drawn in letters, others as digests, hinted and not; metrics and kerning. */
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_GLYPH_H

#include "sample.h"

static void draw(const FT_Bitmap *bitmap)
{
    for (unsigned y = 0; y < bitmap->rows; y++) {
        for (unsigned x = 0; x < bitmap->width; x++)
            putchar(" .:+#@"[bitmap->buffer[(int)y * bitmap->pitch + (int)x] / 43]);
        puts("|");
    }
}

int main(int count, char **arguments)
{
    (void)count;
    FT_Library library;
    FT_Face face;
    int major, minor, patch;
    require(FT_Init_FreeType(&library) == 0, "FT_Init_FreeType");
    FT_Library_Version(library, &major, &minor, &patch);
    require(FT_New_Face(library, arguments[1], 0, &face) == 0, "FT_New_Face");
    printf("freetype %d.%d.%d: %s %s, %ld glyphs\n", major, minor, patch, face->family_name, face->style_name, face->num_glyphs);
    require(FT_Set_Pixel_Sizes(face, 0, 20) == 0 && FT_Load_Char(face, 'g', FT_LOAD_RENDER) == 0, "a glyph");
    draw(&face->glyph->bitmap);
    static const FT_Int32 ways[] = {FT_LOAD_RENDER, FT_LOAD_RENDER | FT_LOAD_NO_HINTING, FT_LOAD_RENDER | FT_LOAD_FORCE_AUTOHINT,
                                    FT_LOAD_RENDER | FT_LOAD_TARGET_MONO};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        uint64_t all = 0;
        long advance = 0;
        for (unsigned letter = 32; letter < 127; letter++) {
            require(FT_Load_Char(face, letter, ways[way]) == 0, "FT_Load_Char");
            const FT_Bitmap *bitmap = &face->glyph->bitmap;
            all = all * 31 + digest(bitmap->buffer, (size_t)bitmap->rows * (size_t)abs(bitmap->pitch));
            advance += face->glyph->advance.x;
        }
        printf("way %zu: %016llx, advance %ld\n", way, (unsigned long long)all, advance);
    }
    FT_Vector kerning;
    FT_Get_Kerning(face, FT_Get_Char_Index(face, 'A'), FT_Get_Char_Index(face, 'V'), FT_KERNING_UNSCALED, &kerning);
    printf("A V: %ld\n", kerning.x);
    FT_Face nothing;
    printf("no font: %d\n", FT_New_Memory_Face(library, (const FT_Byte *)"no font", 7, 0, &nothing));
    FT_Done_Face(face);
    return FT_Done_FreeType(library);
}
