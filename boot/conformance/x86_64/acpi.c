/* ACPI's tables, found as kernels find them, and the registers that they lead to. */
#include "base/bytes.h"
#include "checks.h"
#include "devices.h"

#define SEARCH_START 0xe0000
#define SEARCH_END 0x100000
#define VIEW_SIZE 0xf000 /* of physical_view, wherever it begins in a page */
#define TABLES_MAX 32
#define HEADER 36
#define FADT_DSDT 40
#define FADT_CONTROL 64
#define FADT_TIMER 76
#define MADT_ENTRIES 44
#define TIMER_FREQUENCY_KHZ 3580
#define ACPI_ON 1

static struct tables {
    uint64_t fadt, madt;
    unsigned count, wrong;
} tables;

static uint8_t sum(const volatile uint8_t *bytes, uint32_t size)
{
    uint8_t total = 0;
    for (uint32_t i = 0; i < size; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

static uint32_t word(const volatile uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_signature(const volatile uint8_t *bytes, const char *signature, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        if (bytes[i] != (uint8_t)signature[i])
            return false;
    return true;
}

/* 0: it is not there. */
static uint64_t find_pointer(void)
{
    for (uint64_t at = SEARCH_START; at < SEARCH_END; at += 0x1000) {
        const volatile uint8_t *page = physical_view(at);
        for (unsigned i = 0; i < 0x1000; i += 16)
            if (is_signature(page + i, "RSD PTR ", 8) && !sum(page + i, 20))
                return at + i;
    }
    return 0;
}

/* A table's size if it is whole, else 0. */
static uint32_t table_size(uint64_t table)
{
    const volatile uint8_t *bytes = physical_view(table);
    uint32_t size = word(bytes + 4);
    return size >= HEADER && size <= VIEW_SIZE && !sum(bytes, size) ? size : 0;
}

static void read_root(uint64_t root)
{
    uint32_t entries[TABLES_MAX], size = table_size(root);
    const volatile uint8_t *bytes = physical_view(root);
    for (uint32_t at = HEADER; at + 4 <= size && tables.count < TABLES_MAX; at += 4)
        entries[tables.count++] = word(bytes + at);
    for (unsigned i = 0; i < tables.count; i++) {
        tables.wrong += !table_size(entries[i]);
        bytes = physical_view(entries[i]);
        if (is_signature(bytes, "FACP", 4))
            tables.fadt = entries[i];
        if (is_signature(bytes, "APIC", 4))
            tables.madt = entries[i];
    }
}

static void check_fadt(void)
{
    const volatile uint8_t *fadt = physical_view(tables.fadt);
    uint16_t control = (uint16_t)word(fadt + FADT_CONTROL), timer = (uint16_t)word(fadt + FADT_TIMER);
    uint32_t dsdt = word(fadt + FADT_DSDT), mode_port = word(fadt + 48);
    check("ACPI: the FADT has a control register", control != 0, 1);
    check("ACPI: on already, or it can be switched on", (in16(control) & ACPI_ON) || mode_port, 1);
    uint32_t size = table_size(dsdt);
    const volatile uint8_t *bytes = physical_view(dsdt);
    check("ACPI: the FADT leads to the DSDT", size && is_signature(bytes, "DSDT", 4), 1);
    bool has_off = false;
    for (uint32_t i = HEADER; i + 4 <= size; i++)
        has_off |= is_signature(bytes + i, "_S5_", 4);
    check("ACPI: which says how the machine is switched off", has_off, 1);
    check("ACPI: the FADT has a timer", timer != 0, 1);
    uint32_t before = in32(timer);
    wait_microseconds(5000);
    uint32_t counts = (in32(timer) - before) & 0xffffff;
    check("ACPI: the timer's rate, in kHz", counts / 5 > TIMER_FREQUENCY_KHZ / 2 && counts / 5 < TIMER_FREQUENCY_KHZ * 20, 1);
}

static void check_madt(void)
{
    uint32_t size = table_size(tables.madt);
    const volatile uint8_t *madt = physical_view(tables.madt);
    unsigned processors = 0, io = 0, timer_pin = 0;
    for (uint32_t at = MADT_ENTRIES; at + 2 <= size && madt[at + 1]; at += madt[at + 1]) {
        processors += madt[at] == 0 && (madt[at + 4] & 1);
        io += madt[at] == 1 && word(madt + at + 4) == 0xfec00000;
        if (madt[at] == 2 && madt[at + 3] == 0)
            timer_pin = word(madt + at + 4);
    }
    check("ACPI: the MADT has the local APIC's address", word(madt + HEADER), 0xfee00000);
    check("ACPI: 8259As are there, too", word(madt + HEADER + 4) & 1, 1);
    check("ACPI: the MADT has one processor", processors, 1);
    check("ACPI: and one IO-APIC", io, 1);
    check("ACPI: whose pin 2 is the timer's", timer_pin, 2);
}

void check_acpi(void)
{
    tables = (struct tables){0};
    uint64_t pointer = find_pointer();
    check("ACPI: the root pointer is found", pointer != 0, 1);
    if (!pointer)
        return;
    const volatile uint8_t *bytes = physical_view(pointer);
    if (bytes[15] >= 2)
        check("ACPI: its second checksum", sum(bytes, 36), 0);
    else
        check_absent(1);
    uint32_t root = word(bytes + 16);
    check("ACPI: the root table is whole", table_size(root) && is_signature(physical_view(root), "RSDT", 4), 1);
    read_root(root);
    check("ACPI: so is each table of it", tables.count ? tables.wrong : 1, 0);
    check("ACPI: FADT and MADT are there", tables.fadt && tables.madt, 1);
    if (!tables.fadt || !tables.madt)
        return;
    check_fadt();
    check_madt();
}
