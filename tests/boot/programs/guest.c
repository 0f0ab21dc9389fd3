/* Its program gives it both. */
int host_adds(int a, int b);
extern int host_value;

int NAME(int a)
{
    return host_adds(a, host_value++);
}
