/* A program that uses the library: linked with the archive, and again with the shared object. */
#include <@name@/@name@.h>

volatile uint32_t sum;
volatile char major;

void _start(void)
{
    sum = @identifier@_checksum("Wikipedia", 9); /* 0x11e60398 */
    major = @identifier@_version[0];
    for (;;)
        ;
}
