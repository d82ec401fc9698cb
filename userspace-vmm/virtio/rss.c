// SPDX-License-Identifier: GPL-2.0
/*
 * Receive-side scaling (virtio 1.2, section 5.1.6.5.7): the driver says which receive
 * queue a packet goes to, and the tap does so.
 *
 * The hash is not reported to the driver (VIRTIO_NET_F_HASH_REPORT is not offered): a tap
 * writes none into a packet's header.
 */
#include <errno.h>
#include <string.h>

#include "backend/steering.h"
#include "virtio/net.h"

static int take_number(struct net_command *command, size_t length, uint32_t *number)
{
	const uint8_t *bytes = net_command_take(command, length);

	if (!bytes)
		return -EINVAL;
	for (*number = 0; length; length--)
		*number = *number << 8 | bytes[length - 1];
	return 0;
}

/* A receive queue; then so many queue pairs are needed. */
static int take_queue(struct net_command *command, const struct virtio_net *net, uint16_t *queue,
		      uint32_t *pairs)
{
	uint32_t number;

	if (take_number(command, sizeof(*queue), &number) || number >= net->tap.queues)
		return -EINVAL;
	*queue = number;
	if (number >= *pairs)
		*pairs = number + 1;
	return 0;
}

static int take_table(struct net_command *command, const struct virtio_net *net,
		      struct steering_rule *rule, uint32_t *pairs)
{
	uint32_t mask;
	unsigned int i;

	if (take_number(command, sizeof(__le16), &mask) || mask >= STEERING_TABLE_MAX ||
	    mask & (mask + 1) || take_queue(command, net, &rule->unclassified, pairs))
		return -EINVAL;
	rule->length = mask + 1;
	for (i = 0; i < rule->length; i++) {
		if (take_queue(command, net, &rule->table[i], pairs))
			return -EINVAL;
	}
	return 0;
}

static int take_key(struct net_command *command, struct steering_rule *rule)
{
	const uint8_t *key;
	uint32_t length;

	if (take_number(command, sizeof(uint8_t), &length) || length > STEERING_KEY_MAX ||
	    (!length && rule->hash_types))
		return -EINVAL;
	key = net_command_take(command, length);
	if (!key)
		return -EINVAL;
	memcpy(rule->key, key, length);
	return 0;
}

/* struct virtio_net_rss_config, whose parts have no fixed place. */
static int take_rule(struct net_command *command, const struct virtio_net *net,
		     struct steering_rule *rule, uint32_t *pairs)
{
	uint32_t transmit;

	*rule = (struct steering_rule) {};
	*pairs = 0;
	if (take_number(command, sizeof(__le32), &rule->hash_types) ||
	    rule->hash_types & ~STEERING_HASH_TYPES || take_table(command, net, rule, pairs) ||
	    take_number(command, sizeof(__le16), &transmit) || !transmit ||
	    transmit > net->tap.queues || take_key(command, rule))
		return -EINVAL;
	if (transmit > *pairs)
		*pairs = transmit;
	return 0;
}

/**
 * virtio_net_set_rss() - steer packets as the driver says
 * @net: the interface
 * @command: VIRTIO_NET_CTRL_MQ_RSS_CONFIG, taken up to its &struct virtio_net_rss_config
 *
 * As many queue pairs are used afterwards as the command names.
 * Return: 0; -EINVAL if the command is not valid: nothing has changed; another -errno.
 */
int virtio_net_set_rss(struct virtio_net *net, struct net_command *command)
{
	struct steering_rule rule;
	uint32_t pairs;
	int err;

	if (!virtio_has_feature(&net->device, VIRTIO_NET_F_RSS))
		return -EINVAL;
	err = take_rule(command, net, &rule, &pairs);
	if (err)
		return err;
	/* A queue that packets may go to is there before, and goes after. */
	if (pairs > net->pairs)
		err = virtio_net_set_pairs(net, pairs);
	if (!err)
		err = steering_set(net->steering, &rule);
	if (!err)
		err = tap_set_steering(&net->tap, steering_fd(net->steering));
	if (!err)
		err = virtio_net_set_pairs(net, pairs);
	return err;
}
