/* The list of modules of a process (struct start_link), which its C library and debuggers read. The host that links writes it.
 *
 * module->host_data of each described module is its struct start_module, in the writer's view. */
#ifndef HOSTLINK_MODULE_LIST_H
#define HOSTLINK_MODULE_LIST_H
#include <ambilink/start.h>
#include <hostlink/shared_area.h>
#include <rtld/link.h>
#include <stdbool.h>

/* Descriptions of the fresh modules, at the end of the list: bytes that they take, and the writing. */
uint64_t module_list_size(const struct link *link);
void module_list_append(struct shared_area *area, const struct link *link, struct start_link *list);
/* Take a module, which the link knows no more, out of the list. */
void module_list_remove(const struct link *link, struct start_link *list, const struct module *module);

/* The address of a module's description, as the process knows it, and the way back; NULL: none. */
uint64_t module_list_address(const struct module *module);
struct module *module_list_find(const struct link *link, uint64_t address);

/* Reading a list that another linker wrote, perhaps the process itself: nothing in it is believed unseen.
 * What lies at an address of the block; NULL: not `size` bytes of it. */
void *module_list_view(const struct shared_area *block, uint64_t address, uint64_t size);
/* The next description, the first one after NULL; NULL: none, or it does not lie in the block. */
struct start_module *module_list_next(const struct shared_area *block, const struct start_link *list,
                                      const struct start_module *module);
/* NULL: it has no name that ends. */
const char *module_list_name(const struct shared_area *block, const struct start_module *module);
/* How many there are; of a list that does not end, as many as the block can hold. */
size_t module_list_count(const struct shared_area *block, const struct start_link *list);
/* The load bias of the module of that name; false: there is none. */
bool module_list_base(const struct shared_area *block, const struct start_link *list, const char *name, uint64_t *base);
#endif
