// Polygons cut, joined and grown by a C++ library, which throws what a caller does wrong.
#include <clipper.hpp>
#include <iostream>
#include <sstream>

using namespace ClipperLib;

static Path square(cInt left, cInt top, cInt size)
{
    return {{left, top}, {left + size, top}, {left + size, top + size}, {left, top + size}};
}

static void print(const char *name, const Paths &paths)
{
    double area = 0;
    for (const Path &path : paths)
        area += Area(path);
    std::cout << name << ": " << paths.size() << " polygons, area " << area << '\n' << paths;
}

int main()
{
    Clipper clipper;
    clipper.AddPath(square(0, 0, 100), ptSubject, true);
    clipper.AddPath(square(20, 20, 30), ptSubject, true);
    clipper.AddPath(square(60, 40, 100), ptClip, true);
    const std::pair<const char *, ClipType> types[] = {
        {"intersection", ctIntersection}, {"union", ctUnion}, {"difference", ctDifference}, {"exclusive or", ctXor}};
    for (const auto &[name, type] : types) {
        Paths found;
        clipper.Execute(type, found, pftEvenOdd, pftEvenOdd);
        print(name, found);
    }
    Paths grown;
    ClipperOffset offset;
    offset.AddPath(square(0, 0, 10), jtMiter, etClosedPolygon);
    offset.Execute(grown, 5);
    print("grown", grown);
    PolyTree tree;
    clipper.Execute(ctUnion, tree, pftEvenOdd, pftEvenOdd);
    std::cout << tree.Total() << " nodes, the first has " << tree.GetFirst()->ChildCount() << " children\n";
    try {
        clipper.AddPath({{0, 0}, {9, 9}}, ptClip, false);
    } catch (const std::exception &error) {
        std::cout << "thrown: " << error.what() << '\n';
    }
    std::ostringstream text;
    text << Orientation(square(0, 0, 1)) << PointInPolygon({5, 5}, square(0, 0, 10));
    std::cout << text.str() << std::endl;
}
