/* Objects with thread-local data come and go while threads run: each thread has its own, in each model, whenever it began. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>

#include "check.h"

#define THREADS 4

int plugin_events; /* the plugin's constructors write it */

static pthread_barrier_t barrier;
static long (*volatile bump)(void), (*volatile sum)(void), *(*volatile counter)(void); /* the last by a descriptor */
static volatile unsigned wrong;

/* Up from 40 and 10, whatever others did. */
static void use(long times)
{
    for (long i = 1; i <= times; i++)
        if (bump() != 40 + i || sum() != 10 + i || *counter() != 40 + i)
            wrong++;
}

static void *use_what_comes(void *rounds)
{
    for (uintptr_t round = 0; round < (uintptr_t)rounds; round++) {
        pthread_barrier_wait(&barrier); /* opened */
        use(5);
        pthread_barrier_wait(&barrier); /* to be closed */
        pthread_barrier_wait(&barrier); /* closed */
    }
    return NULL;
}

static void *use_it(void *argument)
{
    use(3);
    return argument;
}

static void *open_and_close(void *argument)
{
    for (unsigned i = 0; i < 10; i++) {
        void *handle = dlopen("libplugin.so", RTLD_NOW);
        long (*const mine)(void) = (long (*)(void))(uintptr_t)dlsym(handle, "plugin_bump");
        if (!mine || mine() < 41 || dlclose(handle))
            wrong++;
    }
    return argument;
}

int main(void)
{
    const uintptr_t rounds = 5;
    pthread_t threads[THREADS], late;
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, use_what_comes, (void *)rounds) == 0);
    for (uintptr_t round = 0; round < rounds; round++) {
        void *plugin = dlopen("libplugin.so", RTLD_NOW), *fixed = dlopen("libfixed.so", RTLD_NOW);
        CHECK(plugin && fixed);
        bump = (long (*)(void))(uintptr_t)dlsym(plugin, "plugin_bump");
        sum = (long (*)(void))(uintptr_t)dlsym(fixed, "fixed_sum");
        counter = (long *(*)(void))(uintptr_t)dlsym(plugin, "plugin_descriptor");
        CHECK(bump && sum && counter);
        pthread_barrier_wait(&barrier);
        use(2);
        for (unsigned i = 0; i < 3; i++) { /* began after it came, and ends before it goes */
            CHECK(pthread_create(&late, NULL, use_it, NULL) == 0);
            CHECK(pthread_join(late, NULL) == 0);
        }
        pthread_barrier_wait(&barrier);
        CHECK(dlclose(plugin) == 0 && dlclose(fixed) == 0);
        CHECK(dlopen("libplugin.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
        pthread_barrier_wait(&barrier);
    }
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, open_and_close, NULL) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(wrong == 0);
    return checks_finish("open");
}
