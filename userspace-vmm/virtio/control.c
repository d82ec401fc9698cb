// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue of a network interface (virtio 1.2, section 5.1.6.5).
 *
 * A chain is a command: class and command byte, its arguments, and room for the
 * answer.  Whatever serves the data queues, this one is served here.
 */
#include <errno.h>
#include <string.h>

#include "backend/user.h"
#include "virtio/net.h"

static int receive_mode(struct virtio_net *net, uint8_t mode, struct net_command *command)
{
	struct net_receive *receive = &net->receive;
	bool * const flags[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC]	= &receive->promiscuous,
		[VIRTIO_NET_CTRL_RX_ALLMULTI]	= &receive->all_multicast,
		[VIRTIO_NET_CTRL_RX_ALLUNI]	= &receive->all_unicast,
		[VIRTIO_NET_CTRL_RX_NOMULTI]	= &receive->no_multicast,
		[VIRTIO_NET_CTRL_RX_NOUNI]	= &receive->no_unicast,
		[VIRTIO_NET_CTRL_RX_NOBCAST]	= &receive->no_broadcast,
	};
	const uint8_t *on = net_command_take(command, sizeof(*on));

	if (!on || mode >= ARRAY_SIZE(flags))
		return -EINVAL;
	*flags[mode] = *on;
	return virtio_net_update_filter(net);
}

/* One of the two tables: a count, then addresses, which are added to the list. */
static int read_table(struct net_receive *receive, struct net_command *command, unsigned int *count)
{
	unsigned int first = receive->unicast_count + receive->multicast_count;
	const uint8_t *addresses;
	const __le32 *entries;
	uint32_t wanted;

	entries = net_command_take(command, sizeof(*entries));
	if (!entries)
		return -EINVAL;
	memcpy(&wanted, entries, sizeof(wanted));
	wanted = le32toh(wanted);
	if (wanted > NET_COMMAND_MAX / ETH_ALEN)
		return -EINVAL;
	addresses = net_command_take(command, wanted * ETH_ALEN);
	if (!addresses)
		return -EINVAL;
	if (wanted > NET_ADDRESSES_MAX - first) {
		receive->overflow = true;
		return 0;
	}
	memcpy(receive->addresses[first], addresses, wanted * ETH_ALEN);
	*count = wanted;
	return 0;
}

static int set_tables(struct virtio_net *net, struct net_command *command)
{
	struct net_receive receive = net->receive;
	int err;

	receive.unicast_count = 0;
	receive.multicast_count = 0;
	receive.overflow = false;
	err = read_table(&receive, command, &receive.unicast_count);
	if (!err)
		err = read_table(&receive, command, &receive.multicast_count);
	if (err)
		return err;
	net->receive = receive;
	return virtio_net_update_filter(net);
}

static int set_address(struct virtio_net *net, struct net_command *command)
{
	const uint8_t *address = net_command_take(command, ETH_ALEN);

	if (!address)
		return -EINVAL;
	memcpy(net->config.mac, address, ETH_ALEN);
	return virtio_net_update_filter(net);
}

static int set_pairs(struct virtio_net *net, struct net_command *command)
{
	const uint8_t *bytes = net_command_take(command, 2);

	int err;

	if (!bytes || !virtio_has_feature(&net->device, VIRTIO_NET_F_MQ))
		return -EINVAL;
	err = virtio_net_set_pairs(net, bytes[0] | bytes[1] << 8);
	/* The last command counts: from now on the tap steers as it likes. */
	return err ? err : tap_set_steering(&net->tap, TAP_STEERS);
}

static int execute(struct virtio_net *net, struct net_command *command)
{
	const struct virtio_net_ctrl_hdr *header = net_command_take(command, sizeof(*header));

	if (!header)
		return -EINVAL;
	switch (header->class) {
	case VIRTIO_NET_CTRL_RX:
		return receive_mode(net, header->cmd, command);
	case VIRTIO_NET_CTRL_MAC:
		if (header->cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
			return set_tables(net, command);
		if (header->cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET)
			return set_address(net, command);
		return -EOPNOTSUPP;
	case VIRTIO_NET_CTRL_MQ:
		if (header->cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
			return set_pairs(net, command);
		if (header->cmd == VIRTIO_NET_CTRL_MQ_RSS_CONFIG)
			return virtio_net_set_rss(net, command);
		return -EOPNOTSUPP;
	default:
		return -EOPNOTSUPP;
	}
}

/* Read all of a command.  One that is too long to be of use is cut. */
static int read_command(struct user_queue *queue, const struct virtqueue_chain *chain,
			struct net_command *command)
{
	unsigned int i;
	size_t piece;

	command->length = 0;
	command->used = 0;
	for (i = 0; i < chain->readable; i++) {
		piece = min_t(size_t, chain->segments[i].length, NET_COMMAND_MAX - command->length);
		if (guest_memory_read(user_queue_memory(queue), command->bytes + command->length,
				      chain->segments[i].address, piece))
			return virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY);
		command->length += piece;
	}
	return 0;
}

/* Returns 1 if a command was executed, 0 if there is none, or -errno. */
static int execute_next(struct user_queue *queue)
{
	struct virtio_net *net = queue->backend->device;
	struct virtqueue_chain chain;
	struct net_command command;
	uint8_t answer;
	int ret;

	ret = virtqueue_next(&queue->ring, &chain);
	if (ret <= 0)
		return ret;
	if (!chain.writable)
		return virtqueue_break(&queue->ring, VIRTQUEUE_REQUEST);
	ret = read_command(queue, &chain, &command);
	if (ret)
		return ret;
	answer = execute(net, &command) ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
	if (guest_memory_write(user_queue_memory(queue), chain.segments[chain.readable].address,
			       &answer, sizeof(answer)))
		return virtqueue_break(&queue->ring, VIRTQUEUE_MEMORY);
	ret = virtqueue_push(&queue->ring, chain.id, sizeof(answer));
	return ret ? ret : 1;
}

static int run(struct user_queue *queue)
{
	unsigned int done;
	int ret;

	for (done = 0; done < USER_BATCH; done++) {
		ret = execute_next(queue);
		if (ret <= 0)
			return ret ? ret : USER_EMPTY;
	}
	return USER_AGAIN;
}

static int start(struct user_queue *queue)
{
	(void)queue;
	return 0;
}

static void stop(struct user_queue *queue)
{
	(void)queue;
}

const struct user_handler virtio_net_control_handler = {
	.start	= start,
	.stop	= stop,
	.run	= run,
};
