/* Parsing one ELF object: its program headers and its dynamic section, each offset and size checked before its first
 * use. Section headers are not needed.
 *
 * Each function returns false after a report. They fill in *module, which is all zero at first; what needs room lies in
 * ground->arena. An object that lies in memory already, such as the linker itself, is parsed with file.by_address. */
#ifndef RTLD_PARSE_H
#define RTLD_PARSE_H
#include <rtld/ground.h>
#include <rtld/module.h>

/* The ELF header and the program headers: segments, RELRO, thread-local image, notes, interpreter. */
bool module_parse_headers(struct ground *ground, struct module *module, const char *name, const struct file_view *file);
/* Then the dynamic section: which tables there are, their places and sizes; soname. */
bool module_parse_dynamic(struct ground *ground, struct module *module);
/* All of it, with versions and the names of needed objects. */
bool module_parse(struct ground *ground, struct module *module, const char *name, const struct file_view *file);
#endif
