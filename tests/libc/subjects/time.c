#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/time.h>

#include "subject.h"

static void formats(void)
{
    struct tm when = {.tm_sec = 5, .tm_min = 4, .tm_hour = 15, .tm_mday = 3, .tm_mon = 1, .tm_year = 124, .tm_wday = 6, .tm_yday = 33};
    char text[300];
    note("%zu ", strftime(text, sizeof text, "%a %A %b %B %c %C %d %D %e %F %g %G %H %I %j %m %M %n %p %r %R %S %T %u %U %V %w %W %x %X %y %Y %%", &when));
    for (char *at = text; *at; at++)
        if (*at == '\n')
            *at = '_';
    note("%s ", text);
    note("%zu", strftime(text, 3, "%Y", &when));
}

static void parses(void)
{
    struct tm when;
    memset(&when, 0, sizeof when);
    const char *rest = strptime("2024-02-29 13:14:15 rest", "%Y-%m-%d %H:%M:%S", &when);
    note("%s %d %d %d %d ", rest ? rest : "-", when.tm_year, when.tm_mon, when.tm_mday, when.tm_sec);
    memset(&when, 0, sizeof when);
    note("%d ", strptime("Tuesday 5 March 70", "%A %d %B %y", &when) != 0);
    note("%d ", when.tm_year);
    note("%d", strptime("13", "%I", &when) == 0);
}

static void calendars(void)
{
    const time_t times[] = {0, 951782400, 4107542400, -1, -2208988800, 1709164800, 68719476736};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct tm when;
        gmtime_r(&times[i], &when);
        note("%d-", when.tm_year);
        note("%d-", when.tm_mon);
        note("%d ", when.tm_mday);
        note("%d ", when.tm_wday);
        note("%d ", when.tm_yday);
        note("%d ", timegm(&when) == times[i]);
    }
    struct tm odd = {.tm_year = 100, .tm_mon = 14, .tm_mday = -3, .tm_hour = 50};
    time_t made = timegm(&odd);
    note("%ld ", (long)made);
    note("%s", strtok(asctime(gmtime(&made)), "\n"));
}

static void zones(void)
{
    setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
    tzset();
    time_t summer = 1720000000, winter = 1705000000;
    note("%d ", localtime(&summer)->tm_hour);
    note("%d ", localtime(&summer)->tm_isdst);
    note("%d ", localtime(&winter)->tm_hour);
    note("%d ", localtime(&winter)->tm_isdst);
    note("%s ", tzname[0]);
    note("%s ", tzname[1]);
    struct tm local = {.tm_year = 124, .tm_mon = 6, .tm_mday = 1, .tm_hour = 12, .tm_isdst = -1};
    note("%ld ", (long)mktime(&local));
    unsetenv("TZ");
    tzset();
    note("%d", localtime(&summer)->tm_hour);
}

static void clocks(void)
{
    struct timespec now, later, step;
    struct timeval day;
    note("%d ", clock_gettime(CLOCK_REALTIME, &now));
    note("%d ", now.tv_sec > 1600000000);
    note("%d ", clock_gettime(CLOCK_MONOTONIC, &now));
    note("%d ", clock_getres(CLOCK_MONOTONIC, &step));
    struct timespec pause = {0, 2000000};
    note("%d ", nanosleep(&pause, 0));
    clock_gettime(CLOCK_MONOTONIC, &later);
    note("%d ", (later.tv_sec - now.tv_sec) * 1000000000 + later.tv_nsec - now.tv_nsec >= 2000000);
    errno = 0;
    note("%d ", clock_gettime(12345, &now));
    note("%d ", errno == EINVAL);
    note("%d", gettimeofday(&day, 0));
    note(" %d ", clock() != (clock_t)-1);
    note("%d", time(0) >= day.tv_sec);
}

const struct subject time_subjects[] = {
    {"strftime", formats}, {"strptime", parses}, {"time", calendars}, {"localtime", zones}, {"clock_gettime", clocks}, {0, 0}};
