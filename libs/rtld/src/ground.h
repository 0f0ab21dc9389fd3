/* Reports, and the limit of work. */
#ifndef RTLD_SRC_GROUND_H
#define RTLD_SRC_GROUND_H
#include <rtld/ground.h>

#define GROUND_WORK_MAX (1ull << 27) /* steps along hash chains and version lists, for one call */

/* Report to the host, and remember that the call failed; always false. */
bool ground_report(struct ground *ground, const struct report *report);
bool ground_refuse(struct ground *ground, enum link_error error, const char *object, uint64_t offset, uint64_t value);
/* With names: of a symbol, its version, and who should define it; each may be NULL. */
bool ground_refuse_name(struct ground *ground, enum link_error error, const char *object, const char *symbol,
                        const char *version, const char *provider);
/* A place where the host may do other things meanwhile; false: it gives up, and the call fails. */
bool ground_pause_with_host(struct ground *ground);
static inline bool ground_pause(struct ground *ground)
{
    return !ground->pause || ground_pause_with_host(ground);
}
/* Count steps whose number a crafted file can make very large; false after a report: too many. */
bool ground_work(struct ground *ground, const char *object, uint64_t steps);
#endif
