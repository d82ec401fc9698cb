// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of a PC (MC146818): time of day and a little memory.
 *
 * It is the host's clock and an offset, which changes when the guest sets the
 * time.  Alarms and periodic interrupts are not there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "legacy/legacy.h"
#include "machine/machine.h"

#define BASE 0x70
#define PORTS 2
#define BYTES 128

/* Registers */
#define SECONDS 0
#define MINUTES 2
#define HOURS 4
#define DAY_OF_WEEK 6
#define DAY_OF_MONTH 7
#define MONTH 8
#define YEAR 9
#define STATUS_A 10
#define STATUS_B 11
#define STATUS_C 12
#define STATUS_D 13
#define CENTURY 0x32

/* Status A: the time base as on every PC, and a bit that is never set here. */
#define A_TIME_BASE 0x26
#define A_UPDATING 0x80
/* Status B */
#define B_SET 0x80
#define B_BINARY 0x04
#define B_24_HOURS 0x02
#define B_SUMMER_TIME 0x01
/* Status D: the battery is good. */
#define D_VALID 0x80

#define HOUR_PM 0x80

struct rtc {
	struct machine *machine;
	uint8_t index;
	uint8_t bytes[BYTES];
	time_t offset;
};

static bool is_time(unsigned int index)
{
	switch (index) {
	case SECONDS:
	case MINUTES:
	case HOURS:
	case DAY_OF_WEEK:
	case DAY_OF_MONTH:
	case MONTH:
	case YEAR:
	case CENTURY:
		return true;
	default:
		return false;
	}
}

static uint8_t encode(const struct rtc *rtc, int value)
{
	if (rtc->bytes[STATUS_B] & B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static int decode(const struct rtc *rtc, uint8_t value)
{
	if (rtc->bytes[STATUS_B] & B_BINARY)
		return value;
	return (value >> 4) * 10 + (value & 15);
}

static uint8_t encode_hour(const struct rtc *rtc, int hour)
{
	if (rtc->bytes[STATUS_B] & B_24_HOURS)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct rtc *rtc, uint8_t value)
{
	if (rtc->bytes[STATUS_B] & B_24_HOURS)
		return decode(rtc, value);
	return decode(rtc, value & (HOUR_PM - 1)) % 12 + (value & HOUR_PM ? 12 : 0);
}

/* Put the time of now into the registers. */
static void show_time(struct rtc *rtc)
{
	time_t now = time(NULL) + rtc->offset;
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return;
	rtc->bytes[SECONDS] = encode(rtc, tm.tm_sec);
	rtc->bytes[MINUTES] = encode(rtc, tm.tm_min);
	rtc->bytes[HOURS] = encode_hour(rtc, tm.tm_hour);
	rtc->bytes[DAY_OF_WEEK] = encode(rtc, tm.tm_wday + 1);
	rtc->bytes[DAY_OF_MONTH] = encode(rtc, tm.tm_mday);
	rtc->bytes[MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->bytes[YEAR] = encode(rtc, tm.tm_year % 100);
	rtc->bytes[CENTURY] = encode(rtc, (tm.tm_year + 1900) / 100);
}

/* Make the time in the registers that of now. */
static void take_time(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->bytes[SECONDS]),
		.tm_min = decode(rtc, rtc->bytes[MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->bytes[HOURS]),
		.tm_mday = decode(rtc, rtc->bytes[DAY_OF_MONTH]),
		.tm_mon = decode(rtc, rtc->bytes[MONTH]) - 1,
		.tm_year = decode(rtc, rtc->bytes[CENTURY]) * 100 +
			   decode(rtc, rtc->bytes[YEAR]) - 1900,
	};

	rtc->offset = timegm(&tm) - time(NULL);
}

static bool is_being_set(const struct rtc *rtc)
{
	return rtc->bytes[STATUS_B] & B_SET;
}

static int rtc_read(void *opaque, uint64_t offset, void *data, unsigned int length)
{
	struct rtc *rtc = opaque;

	/* The index register is write-only. */
	if (length != 1 || !offset)
		return -ENXIO;
	if (is_time(rtc->index) && !is_being_set(rtc))
		show_time(rtc);
	*(uint8_t *)data = rtc->bytes[rtc->index];
	return 0;
}

static void write_control(struct rtc *rtc, uint8_t value)
{
	bool was_being_set = is_being_set(rtc);

	if (!was_being_set)
		show_time(rtc);
	/* No interrupts: their enable bits do not stay. */
	rtc->bytes[STATUS_B] = value & (B_SET | B_BINARY | B_24_HOURS | B_SUMMER_TIME);
	if (was_being_set && !is_being_set(rtc))
		take_time(rtc);
}

static int rtc_write(void *opaque, uint64_t offset, const void *data, unsigned int length)
{
	uint8_t value = *(const uint8_t *)data;
	struct rtc *rtc = opaque;

	if (length != 1)
		return -ENXIO;
	if (!offset) {
		/* The highest bit masks NMIs. */
		rtc->index = value & (BYTES - 1);
	} else if (rtc->index == STATUS_B) {
		write_control(rtc, value);
	} else if (rtc->index == STATUS_A) {
		rtc->bytes[STATUS_A] = value & (A_UPDATING - 1);
	} else if (rtc->index != STATUS_C && rtc->index != STATUS_D) {
		bool time = is_time(rtc->index) && !is_being_set(rtc);

		if (time)
			show_time(rtc);
		rtc->bytes[rtc->index] = value;
		if (time)
			take_time(rtc);
	}
	return 0;
}

int rtc_create(struct machine *machine, struct rtc **out)
{
	struct space_range range = {
		.address = BASE,
		.size = PORTS,
		.read = rtc_read,
		.write = rtc_write,
	};
	struct rtc *rtc;
	int err;

	rtc = calloc(1, sizeof(*rtc));
	if (!rtc)
		return -ENOMEM;
	rtc->machine = machine;
	rtc->bytes[STATUS_A] = A_TIME_BASE;
	rtc->bytes[STATUS_B] = B_24_HOURS;
	rtc->bytes[STATUS_D] = D_VALID;
	range.opaque = rtc;
	err = space_add(&machine->ports, &range);
	if (err) {
		free(rtc);
		return err;
	}
	*out = rtc;
	return 0;
}

void rtc_destroy(struct rtc *rtc)
{
	if (!rtc)
		return;
	space_remove(&rtc->machine->ports, BASE);
	free(rtc);
}
