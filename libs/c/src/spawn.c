/* posix_spawn() in place of musl's, which clones itself: the loader service starts the program that a service of the manifest
 * names, and libposix gives it arguments, environment and descriptors. */
#include <errno.h>
#include <posix/groups.h>
#include <posix/spawn.h>
#include <posix/system_call.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/types.h>

#define STEPS_MAX 64

/* As musl's posix_spawn_file_actions_add... keep them: the last one first. */
struct action {
    struct action *next, *previous;
    int kind, number, from, flags;
    mode_t mode;
    char path[];
};

static int collect(const posix_spawn_file_actions_t *actions, struct posix_spawn_step *steps, unsigned *count)
{
    const struct action *each = actions ? actions->__actions : NULL;
    while (each && each->next)
        each = each->next;
    for (*count = 0; each; each = each->previous) {
        if (*count == STEPS_MAX)
            return ENOMEM;
        steps[(*count)++] = (struct posix_spawn_step){each->kind, each->number, each->from, each->flags, each->path};
    }
    return 0;
}

int posix_spawn(pid_t *restrict number, const char *restrict path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict])
{
    struct posix_spawn_step steps[STEPS_MAX];
    struct posix_spawn_with with = {.steps = steps};
    const short flags = attributes ? (short)attributes->__flags : 0;
    sigset_t mask;
    POSIX_NEEDS(processes);
    int error = collect(actions, steps, &with.step_count);
    if (error)
        return error;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    memcpy(&with.mask, flags & POSIX_SPAWN_SETSIGMASK ? &attributes->__mask : &mask, sizeof with.mask);
    if (flags & POSIX_SPAWN_SETSIGDEF)
        memcpy(&with.defaulted, &attributes->__def, sizeof with.defaulted);
    const long result = posix_system_call(POSIX_CALL_SPAWN, (long)path, (long)argv, (long)envp, (long)&with, 0, 0);
    if (result >= 0 && number)
        *number = (pid_t)result;
    return result < 0 ? (int)-result : 0;
}
