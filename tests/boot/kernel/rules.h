/* What holds of the kernel's structures whenever it is left: for its builds that check themselves. */
#ifndef TEST_RULES_H
#define TEST_RULES_H
#include "memory/mappings.h"

/* The rule that an address space's mappings break, in words; NULL: none. Each rule is about a mapping and its neighbours in
 * the tree, so that together they hold of the whole. */
const char *mappings_broken_rule(const struct mappings *mappings);
#endif
