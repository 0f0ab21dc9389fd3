/* Preloaded behind own_malloc.c, which has a function of the same name. */
int preloaded_as(void)
{
    return 2;
}

int second_is_there(void)
{
    return 1;
}
