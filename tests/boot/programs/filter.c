/* A library that is a filter, and its filtee, by OWN. */
const char *filtered(void);
const char *filtered(void)
{
    return OWN;
}

#ifdef MORE
const char *kept(void);
const char *kept(void)
{
    return OWN;
}
#endif
