/* System calls about memory, and what of it is mapped where. Arguments are as programs give them, results as
 * boot/README.md has them, or CALL_AGAIN (base/work.h). */
#ifndef CALL_MEMORY_H
#define CALL_MEMORY_H
#include "process/process.h"

int64_t call_memory_create(uint64_t size, handle_t payer_handle, uint64_t growth);
int64_t call_memory_size(handle_t handle);
/* What calls on a range begin with: how far this thread's call on a range came before. */
void range_progress(struct space_progress *range);
/* And what they end with: keep how far a call came that is to be made again. */
void range_keep(int64_t status, struct process *process, const struct space_progress *range);
int64_t call_process_map(handle_t process_handle, handle_t memory, uint64_t offset, uint64_t size, uint64_t address,
                         uint64_t prot);
int64_t call_process_map_all(handle_t process_handle, uint64_t list_user, uint64_t count);
int64_t call_process_unmap(handle_t handle, uint64_t address, uint64_t size);
int64_t call_process_protect(handle_t handle, uint64_t address, uint64_t size, uint64_t prot);
int64_t call_image_check(uint64_t address, uint64_t size);
#endif
