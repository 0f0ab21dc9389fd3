/* Code of the kinds that programs are made of. Each does so many rounds and returns a sum that depends on all of them. */
#pragma once

unsigned long load_interpreter(unsigned long rounds);  /* switch dispatch, small integers */
unsigned long load_tree(unsigned long rounds);         /* pointers, comparisons by a function, recursion */
unsigned long load_sort(unsigned long rounds);         /* comparisons that are not foreseen, moves */
unsigned long load_compression(unsigned long rounds);  /* bytes, hashes, matches */
unsigned long load_numbers(unsigned long rounds);      /* double precision */
