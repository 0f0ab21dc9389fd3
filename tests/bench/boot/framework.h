#define FRAMEWORK_FUNCTIONS 4096
extern int (*const framework_table[FRAMEWORK_FUNCTIONS])(int);
