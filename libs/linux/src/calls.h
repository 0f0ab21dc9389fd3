/* What Linux programs call beyond what libposix gives musl. Results are Linux'. */
#ifndef LINUX_CALLS_H
#define LINUX_CALLS_H
#include <stddef.h>

#include "frame.h"

#pragma GCC visibility push(hidden)
struct statx;
struct timeval;

extern const char *linux_program, *linux_path; /* its name, for messages, and its file in the image */

/* A thread that goes on as its caller; anything else that clone can make is -ENOSYS. */
long linux_clone(const struct linux_frame *caller, unsigned long flags, unsigned long stack, int *parent_word, int *child_word,
                 unsigned long thread_pointer);
long linux_clone3(const struct linux_frame *caller, const uint64_t *arguments, unsigned long size);

/* Each address that a call is given is touched: where it leads nowhere, the call ends here, with -EFAULT. */
void linux_try_pointers(const struct linux_frame *caller);

/* Memory. */
long linux_mmap(unsigned long address, unsigned long size, unsigned long prot, unsigned long flags, long file,
                unsigned long offset);
long linux_munmap(unsigned long address, unsigned long size);
long linux_mprotect(unsigned long address, unsigned long size, unsigned long prot);
long linux_brk(unsigned long end);
long linux_mremap(unsigned long address, unsigned long old_size, unsigned long size, unsigned long flags);
long linux_madvise(unsigned long address, unsigned long size, long advice);

/* Files, with those below /dev that programs expect. */
struct stat;
long linux_open(long directory, const char *path, long flags);
long linux_status_at(long directory, const char *path, struct stat *status, long flags);
long linux_control(long file, unsigned long request, void *argument);

/* 0, or -EBADF. */
long linux_is_open(long file);
long linux_send_file(long to, long from, long *offset, unsigned long size);

/* What a program asks of the system. */
long linux_name_system(void *name);
long linux_statx(long directory, const char *path, long flags, struct statx *status);
long linux_read_link(long directory, const char *path, char *text, unsigned long size);
long linux_time(long *seconds);
long linux_time_of_day(struct timeval *time);
long linux_system_information(void *information);
long linux_thread_pointer(long code, unsigned long address);

/* -ENOSYS: it is none of those. */
long linux_simple_call(long number, long a, long b, long c);

/* A call that is not here is reported, once each, by its name. */
void linux_report_missing(long number);
/* *length bytes; NULL: there is no such call. */
const char *linux_call_name(long number, size_t *length);
#pragma GCC visibility pop
#endif
