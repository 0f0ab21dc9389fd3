/* Alone, so that no compiler takes them for what they are here. */
#include "image/trust.h"

const struct ed25519_multiples image_multiples __attribute__((section(".rodata.multiples"))) = {0};
