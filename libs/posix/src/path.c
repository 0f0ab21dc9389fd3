#include "path.h"

#include <errno.h>
#include <string.h>

static long enter(struct path *path, const char *part, size_t length)
{
    size_t used = strlen(path->text);
    if (length > NAME_MAX || used + length + 2 > sizeof path->text)
        return -ENAMETOOLONG;
    if (used)
        path->text[used++] = '/';
    memcpy(path->text + used, part, length);
    path->text[used + length] = 0;
    return 0;
}

static void leave(struct path *path)
{
    char *slash = strrchr(path->text, '/');
    *(slash ? slash : path->text) = 0;
}

long path_resolve(const char *base, const char *text, struct path *path)
{
    if (!*text)
        return -ENOENT;
    if (strnlen(text, PATH_MAX) == PATH_MAX)
        return -ENAMETOOLONG;
    path->text[0] = 0;
    if (*text != '/')
        strcpy(path->text, base);
    path->is_folder = false;
    while (*text) {
        size_t length = strcspn(text, "/");
        bool is_here = length == 1 && text[0] == '.', is_above = length == 2 && text[0] == '.' && text[1] == '.';
        if (is_above)
            leave(path);
        long error = length && !is_here && !is_above ? enter(path, text, length) : 0;
        if (error)
            return error;
        text += length;
        path->is_folder = is_here || is_above || *text == '/';
        text += *text == '/';
    }
    return 0;
}

static const char *below(const char *path, const char *folder)
{
    const size_t length = strlen(folder);
    if (strncmp(path, folder, length) || (path[length] && path[length] != '/'))
        return NULL;
    return path[length] ? path + length + 1 : "";
}

const char *path_in_tmp(const char *path)
{
    const char *rest = below(path, TMP_PLACE);
    return rest ? rest : below(path, TMP_OTHER_PLACE);
}
