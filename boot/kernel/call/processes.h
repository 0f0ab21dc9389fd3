/* System calls about processes. Arguments are as programs give them, results as
 * boot/README.md has them, or CALL_AGAIN (base/work.h). */
#ifndef CALL_PROCESSES_H
#define CALL_PROCESSES_H
#include "object/handle.h"

int64_t call_process_create(uint64_t name_user, uint64_t length, handle_t payer_handle, uint64_t memory,
                            uint64_t kernel_memory);
int64_t call_process_watch(handle_t process_handle, handle_t endpoint_handle, uint64_t badge);
int64_t call_process_number(handle_t handle);
int64_t call_call_entry(uint64_t entry, uint64_t start, uint64_t size);
#endif
