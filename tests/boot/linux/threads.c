/* Threads, signals, timers and memory as programs of glibc and musl use them: a line for each that says what came of it. The
 * same program under Linux is the judge. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 5
#define ROUNDS 500

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long turn, sum;
static __thread long own;

/* They add up, then end in the order of their numbers. */
static void *work(void *argument)
{
    own = (long)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        sum += own;
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    while (turn != own)
        pthread_cond_wait(&changed, &mutex);
    turn++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return (void *)(own * 10);
}

static void *wait_for_ever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void use_threads(void)
{
    pthread_t threads[THREADS];
    long results = 0;
    for (long i = 0; i < THREADS; i++)
        printf("create %d\n", pthread_create(&threads[i], NULL, work, (void *)i));
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        results = results * 100 + (long)result;
    }
    printf("sum %ld, results %ld, own %ld\n", sum, results, own);
    struct timespec soon;
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec = (soon.tv_nsec + 1000000) % 1000000000;
    soon.tv_sec += soon.tv_nsec < 1000000;
    printf("timed wait %d, %d\n", sem_timedwait(&semaphore, &soon), errno == ETIMEDOUT);
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    printf("cancel %d", pthread_cancel(thread));
    pthread_join(thread, &result);
    printf(", cancelled %d\n", result == PTHREAD_CANCELED);
}

static volatile sig_atomic_t taken, code;
static sigjmp_buf before;
static int *volatile nowhere = (int *)16;

static void take(int signal, siginfo_t *information, void *context)
{
    (void)context;
    taken = signal;
    code = information->si_code;
}

static void leave(int signal)
{
    siglongjmp(before, signal);
}

static void use_signals(void)
{
    sigset_t set, pending;
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = take, .sa_flags = SA_SIGINFO}, NULL);
    raise(SIGUSR1);
    printf("raise %d, %d\n", taken == SIGUSR1, code == SI_TKILL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    taken = 0;
    kill(getpid(), SIGUSR1);
    sigpending(&pending);
    printf("blocked %d, pending %d", taken, sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf(", taken %d, %d\n", taken == SIGUSR1, code == SI_USER);
    printf("sigaltstack %d\n", sigaltstack(&stack, NULL));
    sigaction(SIGSEGV, &(struct sigaction){.sa_handler = leave, .sa_flags = SA_ONSTACK}, NULL);
    for (int i = 0; i < 2; i++)
        if (!sigsetjmp(before, 1))
            *nowhere = 1;
        else
            printf("a fault was taken\n");
    signal(SIGSEGV, SIG_DFL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    taken = 0;
    sigprocmask(SIG_BLOCK, &set, NULL);
    printf("timer %d", timer_create(CLOCK_MONOTONIC, &event, &timer));
    timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1000000}, NULL);
    sigemptyset(&pending);
    errno = 0;
    sigsuspend(&pending);
    printf(", taken %d, %d, interrupted %d\n", taken == SIGUSR1, code == SI_TIMER, errno == EINTR);
    printf("alarm %u", alarm(100));
    printf(", %u\n", alarm(0));
}

static void use_memory(void)
{
    const size_t size = 1 << 20;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 1, size);
    at = mremap(at, size, 4 * size, MREMAP_MAYMOVE);
    printf("mremap %d, %d", at[size - 1], at[3 * size]);
    at = mremap(at, 4 * size, size, 0);
    madvise(at, 4096, MADV_DONTNEED);
    printf(", given up %d, %d\n", at[0], at[4096]);
    char *much = malloc(3 * size);
    memset(much, 7, 3 * size);
    much = realloc(much, 9 * size);
    printf("realloc %d\n", much[3 * size - 1]);
    free(much);
    const long end = syscall(SYS_brk, 0);
    printf("brk %d", syscall(SYS_brk, end + 100000) == end + 100000);
    ((char *)end)[99999] = 1;
    syscall(SYS_brk, end);
    syscall(SYS_brk, end + 100000);
    printf(", zero again %d\n", ((char *)end)[99999]);
}

static void use_files(const char *own_name)
{
    char name[64], line[32];
    struct stat status;
    snprintf(name, sizeof name, "/tmp/%s", own_name);
    FILE *file = fopen(name, "w+");
    fprintf(file, "hello %d\n", 42);
    rewind(file);
    printf("read %s", fgets(line, sizeof line, file));
    printf("closed %d", fclose(file));
    printf(", status %d", stat(name, &status));
    printf(", size %ld, a file %d, removed %d\n", (long)status.st_size, S_ISREG(status.st_mode), unlink(name));
    int ends[2], watch = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 99}, found;
    printf("pipe %d", pipe(ends));
    printf(", watched %d", epoll_ctl(watch, EPOLL_CTL_ADD, ends[0], &event));
    printf(", ready %d", epoll_wait(watch, &found, 1, 0));
    printf(", written %zd", write(ends[1], "x", 1));
    printf(", ready %d", epoll_wait(watch, &found, 1, 1000));
    printf(", which %d, %d\n", (int)found.data.u64, found.events == EPOLLIN);
    int none = open("/dev/null", O_RDWR);
    printf("null %zd", write(none, "abc", 3));
    printf(", %zd\n", read(none, line, 3));
}

int main(int count, char **words)
{
    (void)count;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    use_threads();
    use_signals();
    use_memory();
    use_files(strrchr(words[0], '/') ? strrchr(words[0], '/') + 1 : words[0]);
    return 3;
}
