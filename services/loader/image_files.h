/* The boot image's files. */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H
#include "state.h"

/* Read the archive's directory. NULL, or why there is nothing to work with. */
const char *image_files_open(struct loader *loader);
void image_files_close(struct loader *loader);

/* A file is trusted once its checksum was found right; false: refused, and reported. */
bool image_file_check(const struct loader *loader, const struct image_file *file);
const char *image_file_name(const struct loader *loader, const struct image_file *file);
#endif
