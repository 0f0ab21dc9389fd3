/* The order of constructors and destructors. */
#ifndef RTLD_ORDER_H
#define RTLD_ORDER_H
#include <rtld/link.h>

/* sorted[0..count): needed before needing; when closing, those that one was bound to count as needed. False after a
 * report. */
bool order_sort(struct link *link, struct module *const *modules, size_t count, bool closing, struct module **sorted);
/* The fresh modules in the order to start them; NULL after a report. */
struct module **order_fresh(struct link *link, size_t *count);
/* results.finalizers of these, and these as results.sorted; false after a report. */
bool order_finalizers(struct link *link, struct module **sorted, size_t count);
#endif
