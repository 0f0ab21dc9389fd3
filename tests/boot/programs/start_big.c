/* What makes a start long: 10,000 relocations that name symbols, initial data and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS (void *)printf, (void *)malloc, (void *)free, (void *)strlen, (void *)memcpy, (void *)strcmp, (void *)puts, (void *)exit
#define EIGHT(what) what, what, what, what, what, what, what, what
#define MANY EIGHT(EIGHT(SYMBOLS)) /* 512 */

void *volatile table[] = {MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY};
volatile char data[1 << 20] = {1};
static volatile char zeroed[8 << 20];

int main(void)
{
    return table[0] == table[8] ? data[1] + zeroed[0] : 1;
}
