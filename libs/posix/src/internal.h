/* Shared by the files of libposix. Every function returns a negative error number on failure. */
#ifndef POSIX_INTERNAL_H
#define POSIX_INTERNAL_H
#include <ambilink/abi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define DESCRIPTORS 64 /* open at once */
#define OWN_NUMBER sys_process_number(sys_start_handle(START_HANDLE_SELF)) /* of this process */

/* Of this library alone: nothing is bound when it is linked. */
#pragma GCC visibility push(hidden)

/* The error number for a status of the kernel or a service. */
long error_of(int64_t status);

/* Memory. */
long memory_map(unsigned long address, unsigned long size, long prot, long flags, long file, unsigned long offset);
long memory_map_file(unsigned long address, unsigned long size, long prot, long flags, long file, unsigned long offset);
long memory_unmap(unsigned long address, unsigned long size);
long memory_protect(unsigned long address, unsigned long size, long prot);

/* Files. */
long file_open(long directory, const char *path, long flags);
long file_close(long file);
long file_read(long file, void *buffer, unsigned long size);
long file_read_at(long file, void *buffer, unsigned long size, long offset);
long file_read_vector(long file, const struct iovec *parts, long count);
long file_write(long file, const void *data, unsigned long size);
long file_write_vector(long file, const struct iovec *parts, long count);
long file_write_at(long file, const void *data, unsigned long size, long offset);
long file_resize(long file, long size);
long file_lock_whole(long file, long operation);
long file_allocate(long file, long mode, long offset, long size);
/* Of several parts at a position. */
long file_vector_at(long file, const struct iovec *parts, long count, long offset, int writes);
/* At an offset, which moves on, or where there is none at the position. */
long file_copy(long out, long *out_offset, long in, long *in_offset, unsigned long count);
long working_set(const char *path);
long working_set_by(long folder);
/* Bytes, with the NUL. */
long working_get(char *buffer, unsigned long size);
long call_of_places(long number, long a, long b, long c, long d, long e, long f);
long file_resize_at(const char *path, long size);
long call_of_descriptors(long number, long a, long b, long c, long d);
long call_of_files(long number, long a, long b, long c, long d, long e, long f);
/* Pipes, local sockets, and waiting for several descriptors. */
long call_of_pipes(long number, long a, long b, long c, long d, long e, long f);
/* Of a folder, as struct dirent. */
long file_entries(long folder, void *buffer, unsigned long size);
long tmp_file_make_folder(long directory, const char *path);
long tmp_file_make_socket(const char *path);
long tmp_file_remove(long directory, const char *path, long flags);
long tmp_file_link(long directory, const char *path, long other_directory, const char *other);
/* As utimensat(). */
long tmp_file_times_at(long directory, const char *path, const struct timespec times[2]);
long tmp_file_rename(long directory, const char *path, long other_directory, const char *other);
long file_seek(long file, long offset, long whence);
long file_status(long file, struct stat *status);
long file_access(long directory, const char *path, long mode);
long file_status_at(long directory, const char *path, struct stat *status, long flags);
long file_control(long file, long command, long argument);
long file_device_control(long file, unsigned long request, void *argument);
long file_duplicate(long file, long lowest);
/* dup3(). */
long file_duplicate_to(long file, long copy, long flags);

/* As prlimit(), of this process. */
struct rlimit;
long process_limits(long process, long resource, const struct rlimit *wanted, struct rlimit *before);

/* Threads. */
long thread_futex(const int *word, long operation, long value, const void *fourth, const int *other, long last);
/* The number of this thread, whose exit word it is from now on. */
long thread_exit_word(const int *word);
struct sched_param;
long thread_schedule(long number, long policy, const struct sched_param *parameters);
long thread_priority(long number);
void lock_take(volatile int *lock);
void lock_release(volatile int *lock);

/* Signals. */
long signal_action(long signal, const void *new, void *before);
long signal_change_mask(long how, const uint64_t *set, uint64_t *before);
long signal_wait(const uint64_t *set);
/* To a thread of this process; 0: to whichever takes it first. */
long signal_send(long thread, long signal);
/* How many threads unblocked signals for one wait, which a signal that is taken before it begins must end. */
extern volatile int signal_unblockers;
/* The waits that a signal ended with STATUS_INTERRUPTED end with these where it was ignored, or has a handler with SA_RESTART.
 * A wait that POSIX lets go on is made again after both, others after the first alone. */
#define STATUS_IGNORED (-100)
#define STATUS_RESTART (-101)
static inline int is_to_go_on(int64_t status)
{
    return status == STATUS_IGNORED || status == STATUS_RESTART;
}
/* Of what makes calls for a program of another system: whether a fault was one of its own, which goes on as the frame now
 * says. NULL: there is none. */
struct signal_frame;
extern int signal_recover(struct signal_frame *frame) __attribute__((weak));

/* Time. */
#define NANOSECONDS 1000000000l
/* Of a time that is valid: nanoseconds, as many as there can be. */
int64_t time_span(const struct timespec *time);
long time_get(long clock, struct timespec *time);
long time_resolution(long clock, struct timespec *time);
/* Until a signal is taken (-EINTR), with what was left in *rest. */
long time_sleep(long clock, long flags, const struct timespec *request, struct timespec *rest);
struct tms;
long time_of_process(struct tms *times);
struct rusage;
long time_usage(long who, struct rusage *usage);
/* The first stack, with what the starter gave the process. */
uint64_t *given_take(uint64_t *stack);
long call_of_machine(long number, long a, long b, long c);
long call_of_processes(long number, long a, long b, long c, long d);
/* Timers, which send signals. */
long call_of_timers(long number, long a, long b, long c, long d);
long call_of_signals(long number, long a, long b, long c, long d);
#pragma GCC visibility pop
#endif
