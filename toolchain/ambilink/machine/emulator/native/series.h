/* Exponentials, logarithms and circular functions by series of 128-bit numbers: within one unit of the last place of 64.
 * Angles are reduced by a pi of 66 bits, as the manual says (Intel volume 1, 8.3.8). */
#pragma once

#include "number.h"

extern const struct number series_one, series_pi, series_quarter_pi;

/* 2^x - 1 is this of x * series_log_of_2; x is finite and small. */
struct number series_exponential(struct number x);
extern const struct number series_log_of_2;

/* The logarithm to base 2 of a number above zero, and what it is more than 1, which may be small. */
struct number series_logarithm(struct number whole, struct number fraction);

/* The arc tangent of a / b, both positive and finite. */
struct number series_arc_tangent(struct number a, struct number b);

/* Of a finite angle below 2^63. */
void series_sine_and_cosine(struct number x, struct number *sine, struct number *cosine);
