/* System calls about threads, and those in which they wait for each other. Arguments are as programs give them, results as
 * boot/README.md has them, or CALL_AGAIN (base/work.h). */
#ifndef CALL_THREADS_H
#define CALL_THREADS_H
#include "object/handle.h"

int64_t call_thread_create(handle_t handle, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t thread_pointer,
                           uint64_t number_user);
/* A call may have let the running thread wait: until then at most; 0: for ever. */
int64_t call_until(int64_t status, uint64_t deadline);
int64_t call_thread_exit(uint64_t address, uint64_t size);
int64_t call_call(handle_t handle, uint64_t request, uint64_t reply, uint64_t deadline);
int64_t call_receive(handle_t handle, uint64_t request, uint64_t reply_handle, uint64_t deadline);
int64_t call_endpoint_join(handle_t member_handle, handle_t set_handle, uint64_t badge);
int64_t call_endpoint_signal(handle_t handle, uint64_t bits);
int64_t call_futex_requeue(uint64_t from, uint64_t count, uint64_t to, uint64_t moved, uint64_t flags, uint64_t value);
#endif
