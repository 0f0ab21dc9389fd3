/* What atexit.c, dynamic.c and start.c know of each other. */
#ifndef C_ATEXIT_H
#define C_ATEXIT_H
#include <features.h>
#include <stddef.h>
#include <stdint.h>

struct address_range {
    uintptr_t low, high; /* high: behind the last */
};

/* Run the destructors of this thread's thread-local objects. */
hidden void __thread_atexit_run(void);
/* Run all handlers of exit that are registered, but not those of threads. */
hidden void __atexit_run(void);
/* An object goes: run the handlers that it registered or that lie in it, and forget those of quick_exit. */
hidden void __atexit_leave(const struct address_range *range);
/* An address in each object that a destructor of thread-local data is pending for. */
hidden void __thread_atexit_visit(void (*visit)(void *context, uintptr_t address), void *context);
#endif
