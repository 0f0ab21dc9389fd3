/* Collection of processes that are out of reach. Handles keep processes, and processes hold handles: of themselves, and
 * of each other. So references alone do not decide what can go.
 *
 * The rule: a process lives while something that runs can come to it. What runs is the first process, and each process
 * with a thread that is ready, sleeps or waits for a key. What runs can come to
 *   - what its handles lead to, and its watcher;
 *   - the caller, by the handle to its reply;
 *   - the threads that wait at an endpoint, by any handle to that;
 * and so can the process of such a thread, and a process that a handle leads to, for it can be started. Every other
 * process can never run again, whatever happens: it ends, with the status STATUS_PEER_GONE, and its watcher gets a
 * notice.
 *
 * It is done in steps, while processes run: an object is marked when it is first reached, and code that makes one
 * reachable while marks are set (a new handle, a thread that becomes ready, a watcher) marks it. So what has no mark in
 * the end was out of reach all the time. It begins when the machine is idle and the last handle of a process but those
 * of processes may be gone (collection_due), and before a call says that there is no memory. */
#ifndef PROCESS_COLLECT_H
#define PROCESS_COLLECT_H
#include <stdbool.h>
#include <stdint.h>

/* Begin a collection or go on with one, within what work_left allows. */
void collect(void);
/* One is due, or going on. */
bool collection_waits(void);
/* Those that are out of reach are being ended: they end together, so that none is woken by the end of another. Until it
 * is done, nothing else of what was left is. */
bool collect_is_ending(void);

/* The number of the collection that begins next, and that of the last that was done. */
uint64_t collection_next(void);
uint64_t collection_done(void);
#endif
