// What a running program opens: it needs the C++ library, too, and has data of its own for each thread.
#include <fernc.h>
#include <shapes.h>

class Circle : public Shape {
public:
    Circle() : Shape("circle") {}
    int area() const override { return 3; }
};

static Circle circle;
static thread_local int calls = 40;

extern "C" int plugin_area()
{
    calls += 2;
    print("plugin: call %d, %d shapes\n", calls, Shape::count());
    return circle.area();
}
