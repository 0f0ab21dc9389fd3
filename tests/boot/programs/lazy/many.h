/* 64 functions that do one thing each. */
#define EIGHT(f, ten) f(ten##0) f(ten##1) f(ten##2) f(ten##3) f(ten##4) f(ten##5) f(ten##6) f(ten##7)
#define ALL(f) EIGHT(f, 1) EIGHT(f, 2) EIGHT(f, 3) EIGHT(f, 4) EIGHT(f, 5) EIGHT(f, 6) EIGHT(f, 7) EIGHT(f, 8)
#define DECLARE(number) int many_##number(int);
ALL(DECLARE)

#define WIDE(f) f(a) f(b) f(c) f(d) f(e) f(g) f(h) f(i)
#define DECLARE_WIDE(letter) struct seen see_##letter(long, long, long, long, long, long, double, double, double, double, double, double, double, double, long, double);
struct seen {
    long words[7];
    double numbers[9];
};
WIDE(DECLARE_WIDE)

int own_or_libs(void), twice(int), chosen(void), chosen_count(void), kept(void), calls_own_or_libs(void), early(void), late(void), last(void), in_handler(void);
int sum(int count, ...), weak_one(void) __attribute__((weak)), never_called(void);
int (*where_twice_is(void))(int);
