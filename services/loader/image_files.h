/* The boot image's files. */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H
#include "state.h"

/* Read the archive's directory. NULL, or why there is nothing to work with. */
const char *image_files_open(struct loader *loader);
void image_files_close(struct loader *loader);

/* To be asked before pages of a file are read; false: one of them is damaged, which was reported. */
bool image_range_check(const struct loader *loader, const struct image_file *file, uint64_t offset, uint64_t size);
/* The same for all that a linker reads of it, which its code and constants are no part of. */
bool image_file_check(const struct loader *loader, const struct image_file *file);
const char *image_file_name(const struct loader *loader, const struct image_file *file);
#endif
