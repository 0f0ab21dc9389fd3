/* What start.c, dynamic.c and tls.c know of each other. */
#ifndef C_TLS_H
#define C_TLS_H
#include <stdint.h>

#include <ambilink/start.h>

/* Fill the words that wait for a function of the program, then protect what they lie in (dynamic.c). */
hidden void __run_resolvers(const struct start_resolver *resolvers, uint64_t count, const struct start_range *ranges,
                            uint64_t range_count);

/* Objects came after that generation of the list: those with a place in the static block get their data. */
hidden void __tls_take_in(uint64_t generation);
#endif
