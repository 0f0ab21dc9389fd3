#include <shapes.h>

#include <fernc.h>

static int alive;

Shape::Shape(const char *name) : name_(name)
{
    alive++;
    print("shapes: a %s is made\n", name);
}

Shape::~Shape()
{
    alive--;
    print("shapes: a %s goes\n", name_);
}

int Shape::count()
{
    return alive;
}

int Square::area() const
{
    return side_ * side_;
}

Tally::Tally(int first) : value(first)
{
}

Tally::~Tally()
{
    print("shapes: the tally ends at %d\n", value);
}

Tally &tally()
{
    static thread_local Tally own(100);
    return own;
}

static const Square unit_square(1);
const Shape &unit = unit_square;

// What a freestanding C++ needs of a library.
void operator delete(void *) noexcept {}
void operator delete(void *, decltype(sizeof 0)) noexcept {}
extern "C" void __cxa_pure_virtual()
{
    print("shapes: a pure virtual function was called\n");
    exit(1);
}
