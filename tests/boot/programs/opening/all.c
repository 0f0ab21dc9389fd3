/* Stands for a library that needs 150 others, which test-opening-many finds in its place: tests/boot/opening.py. */
int opening_all;
