/* Lists of names in a service's entry. */
#include <bootimage/archive.h>
#include <string.h>

static bool means(const char *item, size_t length, const char *name)
{
    if (length && item[length - 1] == '*' && (length == 1 || item[length - 2] == '/'))
        return strncmp(item, name, length - 1) == 0 && name[length - 1];
    return strncmp(item, name, length) == 0 && !name[length];
}

int archive_list_find(const struct archive *archive, uint32_t list, const char *name)
{
    const char *item = archive_string(archive, list);
    for (int index = 0; *item; index++) {
        size_t length = 0;
        while (item[length] && item[length] != '\n')
            length++;
        if (means(item, length, name))
            return index;
        item += length + (item[length] != 0);
    }
    return -1;
}
