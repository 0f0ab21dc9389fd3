/* What the objects of a program share: each enters itself when it is constructed. */
#ifndef STEPS_H
#define STEPS_H
#ifdef __cplusplus
extern "C" {
#endif

struct object {
    void (*run)(const char *word);           /* as that object */
    int (*take)(void (*handler)(void));      /* register another object's handler */
};

extern const struct object *objects[26];     /* by letter */
extern void *handles[26];                    /* of dlopen */

#ifdef __cplusplus
}
#endif
#endif
