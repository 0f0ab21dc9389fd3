/* Pages and their protection. Apart from the kernel's interface (<ambilink/abi.h>): libs/hostlink, and so other systems' loaders,
 * need these and nothing of it. */
#ifndef AMBILINK_PAGE_H
#define AMBILINK_PAGE_H

#define AMBILINK_PAGE_SIZE 4096

/* Protection of a mapping: bits for read, write and execute. Write with execute is refused. PROT_FINAL beside them: the
 * mapping is never allowed more again. */
#define PROT_NO_ACCESS 0
#define PROT_READ_ONLY 1
#define PROT_READ_WRITE 3
#define PROT_READ_EXECUTE 5
#define PROT_FINAL 8
#endif
