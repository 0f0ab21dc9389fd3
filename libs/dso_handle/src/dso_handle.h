/* What libc has for objects that come and go. */
#ifndef DSO_HANDLE_H
#define DSO_HANDLE_H

typedef void handler(void *argument);

int __cxa_atexit(handler *function, void *argument, void *object);
int __cxa_at_quick_exit(handler *function, void *object);
void __cxa_finalize(void *object);
#endif
