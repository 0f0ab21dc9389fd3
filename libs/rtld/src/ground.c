/* Reports, and the limit of work. */
#include "ground.h"

bool ground_report(struct ground *ground, const struct report *report)
{
    ground->failed = true;
    if (!ground->stopped && !ground->report(ground->context, report))
        ground->stopped = true;
    return false;
}

bool ground_refuse(struct ground *ground, enum link_error error, const char *object, uint64_t offset, uint64_t value)
{
    return ground_report(ground, &(struct report){.error = error, .object = object, .offset = offset, .value = value});
}

bool ground_refuse_name(struct ground *ground, enum link_error error, const char *object, const char *symbol,
                        const char *version, const char *provider)
{
    return ground_report(ground, &(struct report){.error = error, .object = object, .symbol = symbol, .version = version,
                                                  .provider = provider});
}

bool ground_pause_with_host(struct ground *ground)
{
    if (ground->pause(ground->context))
        return true;
    ground->failed = ground->stopped = true;
    return false;
}

bool ground_work(struct ground *ground, const char *object, uint64_t steps)
{
    ground->work += steps;
    if (ground->work <= GROUND_WORK_MAX)
        return true;
    ground_refuse(ground, LINK_TOO_MUCH_WORK, object, 0, ground->work);
    ground->stopped = true;
    return false;
}
