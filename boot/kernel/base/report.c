#include "base/report.h"

#include "base/bytes.h"
#include "base/log.h"

#define ACCOUNTS 64
#define POWER_OF_TWO(x) (((x) & ((x) - 1)) == 0)

/* By the name of a budget: a service that is started again has another budget of this name. */
struct account {
    char name[PROCESS_NAME_MAX];
    uint64_t reports;
};
static struct account accounts[ACCOUNTS]; /* the last is for all that find no room */

static struct account *account_of(const char *name)
{
    unsigned i = 0;
    while (i < ACCOUNTS - 1 && accounts[i].reports && memory_compare(accounts[i].name, name, PROCESS_NAME_MAX) != 0)
        i++;
    if (!accounts[i].reports)
        memory_copy(accounts[i].name, i < ACCOUNTS - 1 ? name : "others", i < ACCOUNTS - 1 ? PROCESS_NAME_MAX : sizeof "others");
    return &accounts[i];
}

bool report_begins(const struct budget *budget)
{
    struct account *account = account_of(budget_given(budget)->name);
    const uint64_t reports = ++account->reports, left_out = reports - REPORTS_MAX;
    if (reports <= REPORTS_MAX)
        return true;
    if (left_out == 1 || (left_out >= 64 && POWER_OF_TWO(left_out)))
        log_format("kernel: %s: %u reports of its faults were logged, %u more are left out\n", account->name,
                   (uint64_t)REPORTS_MAX, left_out);
    return false;
}
