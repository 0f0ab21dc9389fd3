/* Kernel modules: drivers that are linked when the machine boots, against what the kernel exports. */
#ifndef LINK_MODULES_H
#define LINK_MODULES_H

/* Load the image's modules in their order and run their constructors. What fails is logged, and counted in
 * boot_image.failures; the others are loaded. */
void modules_load(void);
#endif
