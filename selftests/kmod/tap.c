// SPDX-License-Identifier: GPL-2.0
/*
 * A network namespace with a tap or macvtap, and a packet socket at its other
 * end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include "../lib/vhost.h"
#include "tap.h"

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *format, ...)
{
	char command[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command) ? -ECHILD : 0;
}

/* SIOCGIFFLAGS or SIOCSIFFLAGS. */
static int do_flags(const char *name, unsigned long command, short *flags)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_flags = *flags };
	int err;

	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, name);
	err = ioctl(fd, command, &request) ? -errno : 0;
	*flags = request.ifr_flags;
	close(fd);
	return err;
}

static int set_up(const char *name)
{
	short flags = IFF_UP;

	return do_flags(name, SIOCSIFFLAGS, &flags);
}

/*
 * A link whose carrier comes after it was set up drops what is sent through it until
 * the kernel has noticed, which it does later, under the lock that set_up() takes.
 */
static int wait_until_running(const char *name)
{
	unsigned int i;
	short flags = 0;
	int err = 0;

	for (i = 0; i < TIME_LIMIT_MS && !err && !(flags & IFF_RUNNING); i++) {
		usleep(1000);
		err = do_flags(name, SIOCGIFFLAGS, &flags);
	}
	if (err)
		return err;
	return flags & IFF_RUNNING ? set_up(name) : -ETIMEDOUT;
}

/* Nothing of its own accord may send packets here. */
static int disable_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	int err;

	/* A kernel without IPv6 has nothing to be disabled. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = write(fd, "1", 1) == 1 ? 0 : -errno;
	close(fd);
	return err;
}

static int open_tap(struct tap *tap)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	tap->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0 || ioctl(tap->fd, TUNSETIFF, &request))
		return -errno;
	strcpy(tap->name, request.ifr_name);
	return set_up(tap->name);
}

/*
 * A macvtap on one end of a veth pair; the other end is the host's.  Its index
 * names the device file, in /dev of all namespaces.
 */
static int open_macvtap(struct tap *tap)
{
	unsigned int index = 1000 + getpid();
	char path[32];
	int err;

	err = run("ip link add lower type veth peer name upper");
	if (!err)
		err = run("ip link add link lower name guest index %u type macvtap mode passthru",
			  index);
	if (!err)
		err = set_up("lower");
	if (!err)
		err = set_up("upper");
	if (!err)
		err = set_up("guest");
	if (!err)
		err = wait_until_running("lower");
	if (!err)
		err = wait_until_running("upper");
	if (!err)
		err = wait_until_running("guest");
	if (err)
		return err;
	snprintf(path, sizeof(path), "/dev/tap%u", index);
	tap->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0)
		return -errno;
	strcpy(tap->name, "upper");
	return 0;
}

static int open_socket(struct tap *tap, int ethertype, int vnet_header)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(tap->name),
	};
	uint16_t protocol = htons(ethertype);
	int buffer = 16 << 20;

	tap->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tap->socket < 0)
		return -errno;
	if (setsockopt(tap->socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    setsockopt(tap->socket, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) ||
	    setsockopt(tap->socket, SOL_PACKET, PACKET_VNET_HDR, &vnet_header, sizeof(vnet_header)))
		return -errno;
	memcpy(&address.sll_protocol, &protocol, sizeof(protocol));
	return bind(tap->socket, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

/**
 * tap_open() - move into a namespace of our own and make a link there
 * @tap: to be closed by tap_close(), also after failure
 * @kind: of the guest's end
 * @header_length: of the header in front of each packet of @tap->fd
 * @ethertype: what the socket receives
 * @offload: TUN_F_* that the guest's end takes; if any, each packet of the
 *	socket has a struct virtio_net_hdr in front
 *
 * Return: 0 or -errno.
 */
int tap_open(struct tap *tap, enum tap_kind kind, int header_length, int ethertype, int offload)
{
	int err;

	memset(tap, 0, sizeof(*tap));
	tap->fd = -1;
	tap->socket = -1;
	memcpy(tap->mac, "\2\0\0\0\0\2", sizeof(tap->mac));
	if (unshare(CLONE_NEWNET))
		return -errno;
	err = disable_ipv6();
	if (!err)
		err = kind == TAP ? open_tap(tap) : open_macvtap(tap);
	if (err)
		return err;
	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &header_length) ||
	    ioctl(tap->fd, TUNSETOFFLOAD, offload))
		return -errno;
	return open_socket(tap, ethertype, offload != 0);
}

/**
 * tap_close() - close both ends
 * @tap: the link, which goes with the namespace
 */
void tap_close(struct tap *tap)
{
	if (tap->fd >= 0)
		close(tap->fd);
	if (tap->socket >= 0)
		close(tap->socket);
}
