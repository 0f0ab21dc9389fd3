/* System calls about the machine: its log, keys, verdict and services. Arguments are as programs give them, results as
 * boot/README.md has them, or CALL_AGAIN (base/work.h). */
#ifndef CALL_MACHINE_H
#define CALL_MACHINE_H
#include "object/handle.h"

/* The machine's clocks, and those of the running thread and process. */
int64_t call_clock(uint64_t which);
int64_t call_log_write(handle_t handle, uint64_t text_user, uint64_t size);
int64_t call_input_read(handle_t handle);
int64_t call_input_watch(handle_t handle, handle_t endpoint, uint64_t forgets);
int64_t call_machine_exit(handle_t handle, uint64_t verdict);
int64_t call_machine_counts(handle_t handle, uint64_t counts_user);
int64_t call_service_start(handle_t handle, uint64_t index, uint64_t result_user, handle_t payer_handle);
#endif
