/* Processes that programs make, and what they leave to each other. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"

extern char **environ;

static int ended(pid_t child)
{
    int status = -1;
    return waitpid(child, &status, 0) == child ? status : -1;
}

static void write_at_exit(void)
{
    char name[] = "/tmp/subject-XXXXXX", text[20] = "";
    const int number = mkstemp(name);
    HOLDS(number >= 0);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        FILE *stream = fdopen(number, "w");
        fputs("flushed", stream);
        exit(3);
    }
    HOLDS(child > 0);
    HOLDS(WEXITSTATUS(ended(child)) == 3);
    HOLDS(pread(number, text, 19, 0) == 7 && !strcmp(text, "flushed"));
    close(number);
    unlink(name);
}

static void locks_between(void)
{
    FILE *stream = tmpfile();
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    HOLDS(stream && !fcntl(fileno(stream), F_SETLK, &lock));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
        int bad = fcntl(fileno(stream), F_GETLK, &lock) || lock.l_type != F_WRLCK || lock.l_pid != getppid();
        lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
        bad |= (fcntl(fileno(stream), F_SETLK, &lock) != -1 || (errno != EAGAIN && errno != EACCES)) << 1;
        _exit(bad);
    }
    HOLDS(child > 0);
    HOLDS(ended(child) == 0);
    fclose(stream);
}

static void failing_daemon(void)
{
    struct rlimit few = {3, 3};
    int ends[2], status = -1;
    char byte;
    HOLDS(!pipe(ends));
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        setrlimit(RLIMIT_NOFILE, &few);
        errno = 0;
        status = daemon(0, 0) == -1 && errno == EMFILE ? 'y' : 'n';
        byte = (char)status;
        write(ends[1], &byte, 1);
        _exit(0);
    }
    HOLDS(child > 0);
    close(ends[1]);
    HOLDS(child < 0 || (read(ends[0], &byte, 1) == 1 && byte == 'y'));
    HOLDS(ended(child) == 0);
}

static void execute_with_environment(void)
{
    fflush(stdout);
    pid_t child = fork();
    char *given[] = {"SUBJECT=given", 0};
    if (!child) {
        execle("/bin/sh", "sh", "-c", "test \"$SUBJECT\" = given && exit 7", (char *)0, given);
        _exit(1);
    }
    HOLDS(child > 0);
    HOLDS(WEXITSTATUS(ended(child)) == 7);
}

static void clobber(void)
{
    errno = 0;
}

static void number_of_error(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NPROC, &none);
    HOLDS(!pthread_atfork(clobber, clobber, clobber));
    errno = 0;
    fflush(stdout);
    pid_t child = fork();
    if (!child)
        _exit(0);
    HOLDS(child > 0 ? ended(child) == 0 : errno != 0);
}

static void borrowed(void)
{
    pid_t child = vfork();
    if (!child) {
        execl("/bin/sh", "sh", "-c", "exit 5", (char *)0);
        _exit(1);
    }
    HOLDS(child > 0 && WEXITSTATUS(ended(child)) == 5);
    if (!(child = vfork())) {
        execl("/none/such", "such", (char *)0);
        _exit(errno == ENOENT ? 6 : 1);
    }
    HOLDS(child > 0 && WEXITSTATUS(ended(child)) == 6);
}

static void spawned(void)
{
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    int ends[2];
    char text[8] = "";
    HOLDS(!posix_spawnp(&child, "sh", 0, 0, (char *[]){"sh", "-c", "exit 42", 0}, environ));
    HOLDS(child > 0 && WEXITSTATUS(ended(child)) == 42);
    HOLDS(!pipe(ends));
    HOLDS(!posix_spawn_file_actions_init(&actions));
    HOLDS(!posix_spawn_file_actions_addclose(&actions, ends[0]));
    HOLDS(!posix_spawn_file_actions_adddup2(&actions, ends[1], 1));
    HOLDS(!posix_spawn_file_actions_addclose(&actions, ends[1]));
    HOLDS(!posix_spawnp(&child, "sh", &actions, 0, (char *[]){"sh", "-c", "echo hello", 0}, environ));
    close(ends[1]);
    HOLDS(read(ends[0], text, 6) == 6 && !strcmp(text, "hello\n"));
    HOLDS(ended(child) == 0);
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    HOLDS(posix_spawn(&child, "/none/such", 0, 0, (char *[]){"such", 0}, environ) == ENOENT);
}

static void programs_of_pipes(void)
{
    char text[32] = "";
    FILE *stream = popen("echo hello", "r");
    HOLDS(stream && fgets(text, 32, stream) && !strcmp(text, "hello\n"));
    HOLDS(stream && pclose(stream) == 0);
    stream = popen("read word; test \"$word\" = given", "w");
    HOLDS(stream && fputs("given\n", stream) >= 0 && pclose(stream) == 0);
    stream = popen("exit 3", "r");
    HOLDS(stream && WEXITSTATUS(pclose(stream)) == 3);
    errno = 0;
    HOLDS(!popen("echo", "x") && errno == EINVAL);
    HOLDS(WEXITSTATUS(system("exit 9")) == 9 && system(0) != 0);
}

static void messages(void)
{
    struct {
        long type;
        char text[8];
    } sent = {7, "hello"}, got = {0};
    struct msqid_ds status;
    const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    HOLDS(queue >= 0 && !msgctl(queue, IPC_STAT, &status) && status.msg_qnum == 0);
    HOLDS(!msgsnd(queue, &sent, 6, IPC_NOWAIT));
    sent.type = 3;
    HOLDS(!msgsnd(queue, &sent, 2, IPC_NOWAIT));
    HOLDS(!msgctl(queue, IPC_STAT, &status) && status.msg_qnum == 2 && status.msg_lspid == getpid());
    HOLDS(msgrcv(queue, &got, 8, 3, IPC_NOWAIT) == 2 && got.type == 3);
    HOLDS(msgrcv(queue, &got, 8, 0, IPC_NOWAIT) == 6 && !strcmp(got.text, "hello"));
    errno = 0;
    HOLDS(msgrcv(queue, &got, 8, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
    HOLDS(!msgctl(queue, IPC_RMID, 0));
}

static void sets(void)
{
    const int set = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    HOLDS(set >= 0 && !semctl(set, 0, SETVAL, 2) && semctl(set, 0, GETVAL) == 2 && semctl(set, 1, GETVAL) == 0);
    HOLDS(!semop(set, (struct sembuf[]){{0, -2, 0}, {1, 1, 0}}, 2) && semctl(set, 1, GETVAL) == 1);
    errno = 0;
    HOLDS(semop(set, (struct sembuf[]){{0, -1, IPC_NOWAIT}}, 1) == -1 && errno == EAGAIN);
    HOLDS(!semctl(set, 0, IPC_RMID));
}

static void shared(void)
{
    const int memory = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0600);
    struct shmid_ds status;
    HOLDS(memory >= 0 && !shmctl(memory, IPC_STAT, &status) && status.shm_segsz == 5000);
    char *here = shmat(memory, 0, 0), *there = shmat(memory, 0, SHM_RDONLY);
    HOLDS(here != (void *)-1 && there != (void *)-1 && here != there);
    if (here != (void *)-1 && there != (void *)-1) {
        here[4000] = 4;
        HOLDS(there[4000] == 4 && !shmdt(here) && !shmdt(there));
    }
    HOLDS(!shmctl(memory, IPC_RMID, 0));
}

const struct subject process_subjects[] = {
    {"fflush-exit", write_at_exit}, {"fcntl-locks", locks_between}, {"daemon-failure", failing_daemon},
    {"execle-env", execute_with_environment}, {"pthread_atfork-errno-clobber", number_of_error, 1}, {"vfork", borrowed},
    {"spawn", spawned}, {"popen", programs_of_pipes}, {"ipc_msg", messages}, {"ipc_sem", sets}, {"ipc_shm", shared}, {0, 0}};
