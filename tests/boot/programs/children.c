/* Processes and their ends, and signals between them, by what POSIX says. The same program runs on the development machine:
 * there it is its own child, here the service of the manifest that CHILD names is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

extern char **environ;

static const char *program = "/proc/self/exe";

static volatile sig_atomic_t taken;
static volatile int code, status_of, sender;
static int *volatile nowhere = (int *)8;

static void keep(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)context;
    taken++;
    code = information->si_code;
    status_of = information->si_status;
    sender = information->si_pid;
}

/* What a child does: its exit status says what it found. */

static int be_a_child(int count, char **words)
{
    const char *what = words[1];
    sigset_t mask;
    if (!strcmp(what, "exit"))
        return atoi(words[2]);
    if (!strcmp(what, "arguments"))
        return count == 5 && !strcmp(words[0], "zero") && !strcmp(words[2], "") && !strcmp(words[3], "two words") && !words[5] &&
                       !strcmp(words[4], "end")
                   ? 7
                   : 1;
    if (!strcmp(what, "environment"))
        return getenv("GIVEN") && !strcmp(getenv("GIVEN"), "a=b") && !getenv("PATH") && environ[0] && !environ[1] ? 8 : 1;
    if (!strcmp(what, "parent"))
        return getppid() == atoi(words[2]) && getpid() != getppid() ? 9 : 1;
    if (!strcmp(what, "abort"))
        abort();
    if (!strcmp(what, "fault"))
        return *nowhere;
    if (!strcmp(what, "raise"))
        return raise(atoi(words[2]));
    if (!strcmp(what, "sleep")) {
        nap(900);
        sleep(100);
    }
    if (!strcmp(what, "mask")) {
        struct sigaction one, two;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGUSR2, NULL, &two);
        return (sigismember(&mask, SIGINT) ? 1 : 0) + (sigismember(&mask, SIGHUP) ? 2 : 0) + (one.sa_handler == SIG_IGN ? 4 : 0) +
               (two.sa_handler == SIG_IGN ? 8 : 0);
    }
    if (!strcmp(what, "take")) { /* a signal of the parent, and say so */
        int signal;
        siginfo_t information;
        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR1);
        signal = sigwaitinfo(&mask, &information);
        return signal == SIGUSR1 && information.si_code == SI_USER ? 10 : 1;
    }
    if (!strcmp(what, "handle")) {
        const struct sigaction action = {.sa_sigaction = keep, .sa_flags = SA_SIGINFO};
        sigaction(SIGUSR1, &action, NULL);
        sigemptyset(&mask);
        while (!taken)
            sigsuspend(&mask);
        return taken == 1 && code == SI_USER && sender == getppid() ? 11 : 1;
    }
    if (!strcmp(what, "write"))
        return write(atoi(words[2]), "from the child", 14) == 14 ? 12 : 1;
    if (!strcmp(what, "folder")) {
        char text[64];
        return getcwd(text, sizeof text) && !strcmp(text, words[2]) && access(words[3], F_OK) == 0 ? 14 : 1;
    }
    if (!strcmp(what, "closed"))
        return fcntl(atoi(words[2]), F_GETFD) == -1 && errno == EBADF ? 13 : 1;
    return 99;
}

static pid_t spawn_with(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const *argv)
{
    pid_t child = -1;
    const int error = posix_spawn(&child, program, actions, attributes, argv, environ);
    CHECK(error == 0);
    return error ? -1 : child;
}

static pid_t spawn(const char *what, const char *with)
{
    char *const argv[] = {"child", (char *)what, (char *)with, NULL};
    return spawn_with(NULL, NULL, argv);
}

static int finish(pid_t child)
{
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static int exits(const char *what, const char *with)
{
    const int status = finish(spawn(what, with));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void none(void)
{
    int status;
    siginfo_t found;
    CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
    CHECK(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
    CHECK(waitpid(1, &status, 0) == -1 && errno == ECHILD);
    CHECK(waitid(P_ALL, 0, &found, WEXITED) == -1 && errno == ECHILD);
    CHECK(waitid(P_ALL, 0, &found, 0) == -1 && errno == EINVAL);
    CHECK(waitpid(-1, &status, 0x4000) == -1 && errno == EINVAL);
    CHECK(getppid() > 0 && getppid() != getpid());
}

static void ends(void)
{
    char number[16];
    CHECK(exits("exit", "0") == 0 && exits("exit", "3") == 3 && exits("exit", "255") == 255 && exits("exit", "256") == 0);
    CHECK(exits("exit", "-1") == 255);
    char *const words[] = {"zero", "arguments", "", "two words", "end", NULL}, *const other[] = {"GIVEN=a=b", NULL};
    char *const short_words[] = {"child", "environment", NULL};
    int status = finish(spawn_with(NULL, NULL, words));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    pid_t child = -1;
    CHECK(posix_spawn(&child, program, NULL, NULL, short_words, other) == 0);
    status = finish(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 8 && child != getpid());
    snprintf(number, sizeof number, "%d", getpid());
    CHECK(exits("parent", number) == 9);
    status = finish(spawn("abort", NULL));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && !WIFEXITED(status) && !WIFSTOPPED(status));
    status = finish(spawn("fault", NULL));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    snprintf(number, sizeof number, "%d", SIGTERM);
    status = finish(spawn("raise", number));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(posix_spawn(&child, "/no/such/program", NULL, NULL, words, environ) == ENOENT);
}

static void waits(void)
{
    siginfo_t found = {0};
    int status;
    pid_t child = spawn("sleep", NULL), other = spawn("exit", "5");
    CHECK(child != other && child > 0);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    CHECK(waitpid(-1, &status, 0) == other && WEXITSTATUS(status) == 5);
    CHECK(waitpid(other, &status, 0) == -1 && errno == ECHILD);
    CHECK(kill(child, 65) == -1 && errno == EINVAL);
    CHECK(kill(child, 0) == 0 && kill(child, SIGTERM) == 0);
    CHECK(waitid(P_PID, (id_t)child, &found, WEXITED | WNOWAIT) == 0 && found.si_pid == child && found.si_code == CLD_KILLED);
    CHECK(found.si_status == SIGTERM && found.si_signo == SIGCHLD);
    CHECK(kill(child, 0) == 0 && kill(child, SIGTERM) == 0); /* it is there until it is waited for */
    CHECK(waitpid(child, &status, WNOHANG) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(kill(child, 0) == -1 && errno == ESRCH && kill(child, SIGTERM) == -1 && errno == ESRCH);
    child = spawn("sleep", NULL);
    memset(&found, 1, sizeof found);
    CHECK(waitid(P_PID, (id_t)child, &found, WEXITED | WNOHANG) == 0 && found.si_pid == 0);
    CHECK(kill(child, SIGKILL) == 0);
    struct rusage usage;
    CHECK(wait4(child, &status, 0, &usage) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    child = spawn("exit", "6");
    CHECK(waitid(P_ALL, 0, &found, WEXITED) == 0 && found.si_pid == child && found.si_code == CLD_EXITED && found.si_status == 6);
    pid_t many[8];
    for (int i = 0; i < 8; i++)
        many[i] = spawn("exit", "1");
    for (int i = 0; i < 8; i++) {
        child = wait(&status);
        int known = 0;
        for (int j = 0; j < 8; j++)
            known += many[j] == child && (many[j] = -1);
        CHECK(known == 1 && WEXITSTATUS(status) == 1);
    }
    CHECK(wait(&status) == -1 && errno == ECHILD);
}

static void signals_between(void)
{
    sigset_t set;
    posix_spawnattr_t attributes;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &set);
    char *const take[] = {"child", "take", NULL}, *const handle[] = {"child", "handle", NULL}, *const mask[] = {"child", "mask", NULL};
    pid_t child = spawn_with(NULL, &attributes, take);
    CHECK(kill(child, SIGUSR1) == 0);
    int status = finish(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 10);
    child = spawn_with(NULL, &attributes, handle);
    nap(5);
    CHECK(kill(child, SIGUSR1) == 0);
    status = finish(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 11);
    child = spawn("sleep", NULL);
    CHECK(kill(child, SIGCHLD) == 0 && kill(child, SIGWINCH) == 0 && kill(child, SIGURG) == 0); /* which do nothing */
    nap(5);
    CHECK(waitpid(child, &status, WNOHANG) == 0 && kill(child, SIGINT) == 0);
    status = finish(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    /* A child has its starter's mask and what that ignores, but where it says otherwise. */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    sigaddset(&set, SIGINT);
    sigdelset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(exits("mask", NULL) == (1 | 4 | 8));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    posix_spawnattr_setsigdefault(&attributes, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    status = finish(spawn_with(NULL, &attributes, mask));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (2 | 4));
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    posix_spawnattr_destroy(&attributes);
}

static void told_of_ends(void)
{
    struct sigaction action = {.sa_sigaction = keep, .sa_flags = SA_SIGINFO}, restarts = action;
    int status;
    sigaction(SIGCHLD, &action, NULL);
    taken = 0;
    pid_t child = spawn("exit", "4");
    while (!taken)
        nap(1);
    CHECK(taken == 1 && code == CLD_EXITED && status_of == 4 && sender == child);
    CHECK(waitpid(child, &status, WNOHANG) == child && WEXITSTATUS(status) == 4);
    child = spawn("raise", "9");
    while (taken < 2)
        nap(1);
    CHECK(taken == 2 && (code == CLD_KILLED || code == CLD_DUMPED) && status_of == SIGKILL && sender == child);
    CHECK(finish(child) == SIGKILL);
    /* It interrupts what waits for another child, but with SA_RESTART. */
    restarts.sa_flags |= SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    child = spawn("sleep", NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 20000}, {0, 20000}}, NULL);
    CHECK(waitpid(child, &status, 0) == -1 && errno == EINTR);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    sigaction(SIGALRM, &restarts, NULL);
    sigaction(SIGCHLD, &restarts, NULL);
    taken = 0;
    kill(child, SIGTERM);
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGTERM);
    /* Those that are ignored leave nothing. */
    signal(SIGCHLD, SIG_IGN);
    child = spawn("exit", "0");
    CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

/* With a pipe where there are pipes, else with a file. */
static void descriptors(void)
{
    char number[16], text[32] = "", path[40], second_path[40];
    snprintf(path, sizeof path, "/tmp/children-%d", getpid());
    snprintf(second_path, sizeof second_path, "/tmp/children-%d-2", getpid());
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    snprintf(number, sizeof number, "%d", file);
    CHECK(exits("write", number) == 12);
    CHECK(pread(file, text, sizeof text, 0) == 14 && !strcmp(text, "from the child"));
    CHECK(fcntl(file, F_SETFD, FD_CLOEXEC) == 0 && exits("closed", number) == 13);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, 17);
    posix_spawn_file_actions_addopen(&actions, 19, second_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 19, 20);
    posix_spawn_file_actions_addclose(&actions, 19);
    char *const dup[] = {"child", "write", "17", NULL}, *const opened[] = {"child", "write", "20", NULL};
    char *const closed[] = {"child", "closed", "19", NULL};
    int status = finish(spawn_with(&actions, NULL, dup));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 12);
    status = finish(spawn_with(&actions, NULL, opened));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 12);
    status = finish(spawn_with(&actions, NULL, closed));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 13);
    const int second = open(second_path, O_RDONLY);
    CHECK(read(second, text, sizeof text) >= 0 && close(second) == 0);
    CHECK(fcntl(17, F_GETFD) == -1 && fcntl(19, F_GETFD) == -1 && fcntl(20, F_GETFD) == -1);
    posix_spawn_file_actions_addclose(&actions, 55);
    posix_spawn_file_actions_adddup2(&actions, 54, 56);
    pid_t child;
    CHECK(posix_spawn(&child, program, &actions, NULL, closed, environ) == EBADF);
    posix_spawn_file_actions_destroy(&actions);
    close(file);
    unlink(path);
    unlink(second_path);
    int ends[2];
    if (pipe(ends))
        return;
    snprintf(number, sizeof number, "%d", ends[1]);
    child = spawn("write", number);
    close(ends[1]);
    memset(text, 0, sizeof text);
    CHECK(read(ends[0], text, sizeof text) == 14 && !strcmp(text, "from the child"));
    CHECK(read(ends[0], text, sizeof text) == 0 && close(ends[0]) == 0); /* the child's end is closed with it */
    status = finish(child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 12);
}

static void folders(void)
{
    char path[40], other[50];
    snprintf(path, sizeof path, "/tmp/folder-%d", getpid());
    snprintf(other, sizeof other, "%s/below", path);
    CHECK(mkdir(path, 0700) == 0 && mkdir(other, 0700) == 0 && chdir(path) == 0);
    char *const here[] = {"child", "folder", path, "below", NULL}, *const there[] = {"child", "folder", other, "../below", NULL};
    int status = finish(spawn_with(NULL, NULL, here));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 14);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, "below");
    posix_spawn_file_actions_addopen(&actions, 30, "made", O_WRONLY | O_CREAT, 0600);
    status = finish(spawn_with(&actions, NULL, there));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 14 && access("below/made", F_OK) == 0 && unlink("below/made") == 0);
    posix_spawn_file_actions_addchdir_np(&actions, "nothing");
    pid_t child;
    CHECK(posix_spawn(&child, program, &actions, NULL, there, environ) == ENOENT);
    posix_spawn_file_actions_destroy(&actions);
    const int folder = open("below", O_RDONLY | O_DIRECTORY);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addfchdir_np(&actions, folder);
    status = finish(spawn_with(&actions, NULL, there));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 14);
    posix_spawn_file_actions_destroy(&actions);
    unlink("below/made");
    CHECK(close(folder) == 0 && chdir("/") == 0 && rmdir(other) == 0 && rmdir(path) == 0);
}

int main(int count, char **words)
{
    if (count > 1)
        return be_a_child(count, words);
    if (getenv("CHILD"))
        program = getenv("CHILD");
    none();
    ends();
    waits();
    signals_between();
    told_of_ends();
    descriptors();
    folders();
    return checks_finish("children");
}
