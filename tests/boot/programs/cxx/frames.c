/* C that exceptions pass through: compiled with -fexceptions. */
int c_frames_left;
int call_through_c(int (*function)(void *), void *context, int depth);

static void leave(int *depth)
{
    c_frames_left += *depth > 0;
}

int call_through_c(int (*function)(void *), void *context, int depth)
{
    __attribute__((cleanup(leave))) int here = depth;
    return depth > 1 ? call_through_c(function, context, depth - 1) + 1 : function(context);
}
