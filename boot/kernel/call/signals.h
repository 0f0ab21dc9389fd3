/* Calls about what interrupts a thread, and which thread comes first: signals, names for reports, priorities. A number is of a
 * thread of the running one's process; 0: itself. */
#ifndef CALL_SIGNALS_H
#define CALL_SIGNALS_H
#include "object/handle.h"

int64_t call_signal_entry(uint64_t entry, uint64_t vectors, uint64_t stack_signals, uint64_t stack_vectors);
int64_t call_process_signal(handle_t process, uint64_t signal, uint64_t sender);
int64_t call_signal_stack(uint64_t address, uint64_t size, uint64_t before_user);
int64_t call_thread_signal(uint64_t number, uint64_t signal);
int64_t call_thread_name(uint64_t name_user, uint64_t length);
int64_t call_thread_priority(uint64_t number, uint64_t priority);
int64_t call_process_priority(handle_t handle, uint64_t priority);
#endif
