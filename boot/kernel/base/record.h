/* The one instance of what a reader of the machine's memory finds: <ambilink/record.h>. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H
#include <ambilink/record.h>

extern struct kernel_record kernel_record;
#endif
