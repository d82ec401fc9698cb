// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of vqhost-bridge.
 */
#include <string.h>

#include "bridge/options.h"
#include "option_values.h"

#include <kselftest_harness.h>

/* Arguments of one command line, which is changed when it is read. */
static int parse(struct bridge_options *options, const char *line)
{
	static char copy[512];
	static char *arguments[32];
	unsigned int count = 0;
	char *at;

	strcpy(copy, line);
	for (at = strtok(copy, " "); at; at = strtok(NULL, " "))
		arguments[count++] = at;
	arguments[count] = NULL;
	return bridge_options_parse(options, arguments);
}

TEST(one_device_in_whatever_order)
{
	static const char *const lines[] = {
		"--socket-path=/s --blk-file=/f --read-only --serial=x --queues=3",
		"--queues 3 --read-only --serial x --blk-file /f --socket-path /s",
		"--blk-file=/f --socket-path /s --serial=x --queues=3 --read-only",
	};
	struct bridge_options options;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		ASSERT_EQ(0, parse(&options, lines[i])) TH_LOG("%s", lines[i]);
		ASSERT_EQ(1, options.device_count);
		EXPECT_STREQ("/s", options.devices[0].socket_path);
		EXPECT_STREQ("/f", options.devices[0].blk_file);
		EXPECT_STREQ("x", options.devices[0].serial);
		EXPECT_TRUE(options.devices[0].read_only);
		EXPECT_EQ(3, options.devices[0].queues);
		bridge_options_free(&options);
	}
}

TEST(several_devices)
{
	struct bridge_options options;

	ASSERT_EQ(0, parse(&options, "--user=nobody --socket-path=/a --blk-file=/f "
			   "--socket-path=/b --tap=t --queues=2 --fd=0 --blk-file=/g"));
	ASSERT_EQ(3, options.device_count);
	EXPECT_STREQ("nobody", options.user);
	EXPECT_STREQ("/f", options.devices[0].blk_file);
	EXPECT_EQ(NULL, options.devices[0].tap);
	EXPECT_STREQ("/b", options.devices[1].socket_path);
	EXPECT_STREQ("t", options.devices[1].tap);
	EXPECT_EQ(2, options.devices[1].queues);
	EXPECT_EQ(NULL, options.devices[2].socket_path);
	EXPECT_EQ(0, options.devices[2].fd);
	EXPECT_STREQ("/g", options.devices[2].blk_file);
	bridge_options_free(&options);
}

TEST(wrong_ones)
{
	static const char *const lines[] = {
		"",
		"--user=nobody",
		"--blk-file=/f",
		"--socket-path=/s",
		"--socket-path= --blk-file=/f",
		"--socket-path",
		"--socket-path=/s --blk-file",
		"--socket-path=/s --blk-file=/f --frobnicate",
		"--socket-path=/s --blk-file=/f frobnicate",
		"--socket-path=/s --blk-file=/f --read-only=yes",
		"--socket-path=/s --blk-file=/f --read-only --read-only",
		"--socket-path=/s --blk-file=/f --blk-file=/g",
		"--socket-path=/s --blk-file=/f --tap=t",
		"--socket-path=/s --tap=t --read-only",
		"--socket-path=/s --tap=t --serial=x",
		"--socket-path=/s --tap=a-name-that-is-too-long",
		"--socket-path=/s --blk-file=/f --queues=0",
		"--socket-path=/s --blk-file=/f --queues=65",
		"--socket-path=/s --blk-file=/f --serial=123456789012345678901",
		"--socket-path=/s --fd=3 --blk-file=/f",
		"--fd=-1 --blk-file=/f",
		"--fd=x --blk-file=/f",
		"--user=a --user=b --socket-path=/s --blk-file=/f",
	};
	struct bridge_options options;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_EQ(OPTION_REJECTED, parse(&options, lines[i])) TH_LOG("%s", lines[i]);
		bridge_options_free(&options);
	}
}

TEST(help_and_manual_name_all_options)
{
	static const char *const names[] = {
		"socket", "fd", "blk", "read", "serial", "tap", "queues", "user",
	};
	char *text = NULL;
	unsigned int i;
	size_t size;
	FILE *to;

	to = open_memstream(&text, &size);
	bridge_options_help(to);
	bridge_options_manual(to);
	fclose(to);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_NE(NULL, strstr(text, names[i])) TH_LOG("option %u", i);
	free(text);
}

TEST_HARNESS_MAIN
