/* The one instance of what a reader of the machine's memory finds: <ambilink/record.h>. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H
#include <ambilink/record.h>

extern struct kernel_record kernel_record;

/* Called when a range became executable that holds frames of the boot image, before any instruction of it runs: a debugger
 * stops here, and reads the arguments. `physical` is that of the page at `address`. */
void code_mapped(uint64_t page_table, uint64_t address, uint64_t physical);
#endif
