/* What start.c, dynamic.c and tls.c know of each other. */
#ifndef C_TLS_H
#define C_TLS_H
#include <stdint.h>

#include <ambilink/start.h>

/* Fill the words that wait for a function of the program, then protect what they lie in (dynamic.c). */
hidden void __run_resolvers(const struct start_resolver *resolvers, uint64_t count, const struct start_range *ranges,
                            uint64_t range_count);

/* Bytes behind a thread's table, for tls.c. */
#define TLS_TABLE_END 24

/* Held while the list of modules changes, and while a thread reads it. */
extern hidden volatile int *const __tls_lockptr;

/* Objects came after that generation of the list: those with a place in the static block get their data, in each thread. */
hidden void __tls_take_in(uint64_t generation);
/* Objects went: this thread gives back its blocks of theirs. Others do when they look next. */
hidden void __tls_leave(void);
/* A thread begins: it gets the data of objects that have a place in the static block and came after the start. */
hidden void __tls_begin_thread(void);
#endif
