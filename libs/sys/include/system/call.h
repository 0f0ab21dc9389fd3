/* The kernel's calls as C functions. Each returns a status or a value as boot/README.md says. */
#ifndef SYSTEM_CALL_H
#define SYSTEM_CALL_H
#include <ambilink/abi.h>
#include <ambilink/loaded.h>

int64_t sys_handle_close(handle_t handle);
int64_t sys_handle_duplicate(handle_t handle, uint32_t rights, uint64_t badge);

int64_t sys_memory_create(uint64_t size);
/* Another process pays for it; 0: this one. */
int64_t sys_memory_create_for(handle_t payer, uint64_t size);
/* Pages come when they are touched, but for the last `present` bytes. */
int64_t sys_memory_create_growing(handle_t payer, uint64_t size, uint64_t present);
int64_t sys_memory_size(handle_t memory);

int64_t sys_process_create(const char *name, uint64_t length);
/* With a budget of its own, of so many bytes, which is taken from that of `payer` (0: of this process); or, with none,
 * it shares that. */
int64_t sys_process_create_for(handle_t payer, uint64_t memory, uint64_t kernel_memory, const char *name, uint64_t length);
int64_t sys_process_grant(handle_t process, handle_t handle, uint32_t rights, uint64_t badge);
/* `address` 0: the kernel chooses. Returns the address. */
int64_t sys_process_map(handle_t process, handle_t memory, uint64_t offset, uint64_t size, uint64_t address,
                        unsigned prot);
/* Several at once, none with address 0: how many were made, from the first on. */
int64_t sys_process_map_all(handle_t process, const struct map_request *list, uint64_t count);
int64_t sys_process_unmap(handle_t process, uint64_t address, uint64_t size);
int64_t sys_process_protect(handle_t process, uint64_t address, uint64_t size, unsigned prot);
int64_t sys_process_watch(handle_t process, handle_t endpoint, uint64_t badge);
_Noreturn void sys_process_exit(int64_t status);
/* End another process, as if it had exited. */
int64_t sys_process_end(handle_t process, int64_t status);

int64_t sys_thread_create(handle_t process, uint64_t entry, uint64_t stack, uint64_t argument);
/* The same with a thread pointer; *number is the thread's before it runs. */
int64_t sys_thread_create_with(handle_t process, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t thread_pointer,
                               int32_t *number);
_Noreturn void sys_thread_exit(void);
/* Unmap the thread's stack, on which this runs, and end it. */
_Noreturn void sys_thread_exit_unmapping(uint64_t address, uint64_t size);
/* The word that is zeroed when this thread exits, with a thread woken that waits for it; threads that it creates have the
 * same one. NULL: none. */
int64_t sys_thread_exit_word(const void *word);
int64_t sys_thread_number(void);
/* What reports call this thread; at most THREAD_NAME_MAX - 1 bytes. */
int64_t sys_thread_name(const char *name, uint64_t length);
int64_t sys_thread_set_tls(void *thread_pointer);
int64_t sys_thread_yield(void);
int64_t sys_thread_sleep(uint64_t nanoseconds);

int64_t sys_endpoint_create(void);
/* What comes to `member` is received at `set`, as it is: so one thread waits for several endpoints. With a badge, `set` gets
 * MESSAGE_NO_CALLERS with it when the last handle that may call `member` is closed; this process keeps none, then. */
int64_t sys_endpoint_join(handle_t member, handle_t set, uint64_t badge);
/* The next message of the kernel at the endpoint (MESSAGE_SIGNALLED) has these bits; this never waits. */
int64_t sys_endpoint_signal(handle_t endpoint, uint32_t bits);
int64_t sys_call(handle_t endpoint, const struct message *request, struct message *reply);
/* *reply is the handle to answer with, or 0 for a notice of the kernel. */
int64_t sys_receive(handle_t endpoint, struct message *request, handle_t *reply);
/* The same, until `deadline` by the clock since boot, in nanoseconds; 0: for ever. STATUS_TIMED_OUT. */
int64_t sys_call_until(handle_t endpoint, const struct message *request, struct message *reply, uint64_t deadline);
int64_t sys_receive_until(handle_t endpoint, struct message *request, handle_t *reply, uint64_t deadline);
int64_t sys_reply(handle_t reply, const struct message *message);

/* Wait while the word has that value, until `deadline` (0: for ever) or until another thread wakes this one. `flags`:
 * FUTEX_SHARED or 0. STATUS_OK: woken; STATUS_CHANGED, STATUS_TIMED_OUT, STATUS_INTERRUPTED. */
int64_t sys_futex_wait(const void *word, uint32_t value, unsigned flags, uint64_t deadline);
/* Wake the first `count` that wait: how many. */
int64_t sys_futex_wake(const void *word, uint64_t count, unsigned flags);
/* Wake `count`, and let `moved` others wait for another word: how many in all. With FUTEX_COMPARE: STATUS_CHANGED. */
int64_t sys_futex_requeue(const void *word, uint64_t count, const void *other, uint64_t moved, unsigned flags,
                          uint32_t value);

/* The most that the threads of a process may have, which its first one begins with; no more than this process may have. */
int64_t sys_process_priority(handle_t process, unsigned priority);

/* What the kernel and the loader service call a process in reports. */
int64_t sys_process_number(handle_t process);

int64_t sys_clock(unsigned clock);
int64_t sys_log_write(handle_t system, const char *text, uint64_t size);
/* What the machine has in use. */
int64_t sys_machine_counts(handle_t system, struct machine_counts *counts);
/* The next key, 0 to 255, once there is one; or a status. */
int64_t sys_input_read(handle_t system);
/* 1: a key is there. 0: the endpoint is signalled once, with bit 0, when one comes; or, with `forgets`, it is not. */
int64_t sys_input_watch(handle_t system, handle_t endpoint, unsigned forgets);
/* To be asked before pages of the boot image are read that may be damaged: STATUS_OK, or STATUS_CORRUPT, and the kernel
 * logs which page it is. A process that touches a damaged page is ended. */
int64_t sys_image_check(const void *address, uint64_t size);
/* Let the kernel start a service, by index in the boot image; its number, or a status. `payer`: whose budget it shares,
 * where the manifest gives it none; 0: it has a share of its own. */
int64_t sys_service_start(handle_t system, uint64_t index, handle_t payer, struct loaded_process *loaded);
int64_t sys_machine_exit(handle_t system, unsigned verdict);
/* Any call, by its number, for what few programs do: a function for each would be one more symbol that each program binds. */
int64_t sys_invoke(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#endif
