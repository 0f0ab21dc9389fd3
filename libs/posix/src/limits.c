/* getrlimit and setrlimit. Of what they set the number of open files is kept to; memory is bounded by the manifest's budget. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <system/call.h>
#include <system/start.h>

#include "descriptor.h"

static struct rlimit set[RLIM_NLIMITS];
static uint32_t is_set; /* a bit for each */

static struct rlimit limit_of(int resource)
{
    if (is_set >> resource & 1)
        return set[resource];
    const rlim_t most = resource == RLIMIT_NOFILE ? DESCRIPTORS : RLIM_INFINITY;
    return (struct rlimit){most, most};
}

long process_limits(long process, long resource, const struct rlimit *wanted, struct rlimit *before)
{
    if (process && process != OWN_NUMBER)
        return -ESRCH;
    if (resource < 0 || resource >= RLIM_NLIMITS)
        return -EINVAL;
    const struct rlimit now = limit_of((int)resource);
    if (wanted && wanted->rlim_cur > wanted->rlim_max)
        return -EINVAL;
    if (wanted && wanted->rlim_max > now.rlim_max)
        return -EPERM;
    if (wanted) {
        set[resource] = *wanted;
        is_set |= 1u << resource;
    }
    if (wanted && resource == RLIMIT_NOFILE)
        descriptors_most = (long)wanted->rlim_cur;
    if (before)
        *before = now;
    return 0;
}
