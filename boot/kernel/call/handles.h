/* System calls about handles. Arguments are as programs give them, results as
 * boot/README.md has them, or CALL_AGAIN (base/work.h). */
#ifndef CALL_HANDLES_H
#define CALL_HANDLES_H
#include "object/handle.h"

int64_t call_handle_duplicate(handle_t handle, uint64_t rights, uint64_t badge);
int64_t call_process_grant(handle_t process_handle, handle_t handle, uint64_t rights, uint64_t badge);
#endif
