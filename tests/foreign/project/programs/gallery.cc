// C++, dynamic or static: objects of a library's classes, and where there is a loader a plug-in.
#include <fernc.h>
#include <shapes.h>

static Square square(5);
static thread_local int here = 3;

static bool use_plugin()
{
    uint64_t handle = open_object("libplugin.fern");
    auto area = reinterpret_cast<int (*)()>(handle ? open_symbol(handle, "plugin_area") : nullptr);
    if (!area || area() != 3 || area() != 3 || open_symbol(handle, "plugin_volume"))
        return false;
    if (open_object("libnothing.fern"))
        return false;
    print("gallery: %s\n", open_message());
    return open_close(handle) == 0 && Shape::count() == 2;
}

extern "C" int main()
{
    const Shape &shape = square;
    here += tally().next();
    print("gallery: area %d and %d, tally %d, %s\n", shape.area(), unit.area(), tally().next(),
          fern_notice ? "by the loader" : "by the kernel");
    bool good = here == 104 && Shape::count() == 2 && (!fern_notice || use_plugin());
    print("gallery: %s\n", good ? "good" : "bad");
    return good ? 0 : 1;
}
