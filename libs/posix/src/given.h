/* What a process gives to one that it starts, over an endpoint: messages in the order of this list, each answered. */
#ifndef POSIX_GIVEN_H
#define POSIX_GIVEN_H
#include "descriptor.h"

enum given_message {
    GIVEN_STRINGS = 1, /* data: those of the arguments, then of the environment; words: enum given_word */
    GIVEN_DESCRIPTOR,  /* word 1: its number; data: struct given_descriptor; its handle, where it has one */
    GIVEN_FOLDER,      /* data: the working folder's path, where it is not the root */
    GIVEN_END,
};

enum given_word { GIVEN_ARGUMENTS = 1, GIVEN_ENVIRONMENT, GIVEN_MASK, GIVEN_IGNORED, GIVEN_DESCRIPTORS /* a bit for each */ };

struct given_descriptor {
    struct descriptor file;
    char path[FOLDER_PATH]; /* of a folder */
};
#endif
