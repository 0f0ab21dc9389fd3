/* The checks in ring 0, one function a file. */
#ifndef CHECKS_H
#define CHECKS_H

/* Run all of them, in the order of checks.c. Each leaves the machine as it found it. */
void checks_run(void);

void check_faults(void);
void check_debug(void);
void check_control(void);
void check_paging(void);
void check_protection(void);
void check_x87(void);
void check_sse(void);
void check_serial(void);
void check_timer_device(void);
void check_pic(void);
void check_cmos(void);
void check_keyboard(void);
void check_ports(void);
void check_counter(void);
void check_acpi(void);
void check_local_apic(void);
void check_io_apic(void);
void check_firmware(void);
#endif
