// SPDX-License-Identifier: GPL-2.0
/* Carrying out the actions of a rule. */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "actions.h"
#include "context.h"
#include "deliver.h"
#include "packet.h"

/* Offset of the transport checksum that covers the addresses, 0: there is none. */
static int esim_l4_check_offset(const struct esim_headers *headers)
{
	if (!headers->l4)
		return 0;
	switch (headers->ip_proto) {
	case IPPROTO_TCP:
		return headers->l4 + offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return headers->l4 + offsetof(struct udphdr, check);
	case IPPROTO_ICMPV6:
		return headers->l4 + 2;
	}
	return 0;
}

/*
 * @pseudo: the word is part of the pseudo header. While the checksum is still
 * to be completed (CHECKSUM_PARTIAL) the field holds that of the pseudo header
 * only, and what is behind it must not be added.
 */
static void esim_l4_csum_replace(struct sk_buff *skb, const struct esim_headers *headers,
				 __be32 from, __be32 to, bool pseudo)
{
	int offset = esim_l4_check_offset(headers);
	__sum16 *check = (__sum16 *)(skb->data + offset);
	bool udp = headers->ip_proto == IPPROTO_UDP;

	if (!offset)
		return;
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_start_offset(skb) == headers->l4) {
		if (pseudo)
			*check = ~csum_fold(csum_add(csum_sub(csum_unfold(*check),
							      (__force __wsum)from),
						     (__force __wsum)to));
		return;
	}
	if (udp && !*check)
		return;		/* sent without a checksum */
	csum_replace4(check, from, to);
	if (udp && !*check)
		*check = CSUM_MANGLED_0;
}

/* Where a word is, or a negative error if the packet has no such header. */
static int esim_mangle_offset(const struct esim_mangle *mangle,
			      const struct esim_headers *headers)
{
	switch (mangle->header) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH:
		return mangle->offset;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
		if (headers->eth_type == htons(ETH_P_IP))
			return headers->l3 + mangle->offset;
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		if (headers->eth_type == htons(ETH_P_IPV6))
			return headers->l3 + mangle->offset;
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
		if (headers->l4 && headers->ip_proto == IPPROTO_TCP)
			return headers->l4 + mangle->offset;
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		if (headers->l4 && headers->ip_proto == IPPROTO_UDP)
			return headers->l4 + mangle->offset;
		break;
	}
	return -ENOENT;
}

static void esim_fix_checksums(struct sk_buff *skb, const struct esim_mangle *mangle,
			       const struct esim_headers *headers, __be32 from, __be32 to)
{
	struct iphdr *ip = (struct iphdr *)(skb->data + headers->l3);

	switch (mangle->header) {
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
		csum_replace4(&ip->check, from, to);
		if (mangle->offset >= offsetof(struct iphdr, saddr))
			esim_l4_csum_replace(skb, headers, from, to, true);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		if (mangle->offset >= offsetof(struct ipv6hdr, saddr))
			esim_l4_csum_replace(skb, headers, from, to, true);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		esim_l4_csum_replace(skb, headers, from, to, false);
		break;
	}
}

/* A packet too short for its checksum field has none to correct. */
static int esim_make_writable(struct sk_buff *skb, struct esim_headers *headers, int offset)
{
	int end = offset + sizeof(u32);
	int check = esim_l4_check_offset(headers);

	if (skb->len < end)
		return -EINVAL;
	if (check && skb->len < check + sizeof(__sum16))
		headers->l4 = 0;
	else if (check)
		end = max_t(int, end, check + sizeof(__sum16));
	if (headers->l3 && headers->eth_type == htons(ETH_P_IP))
		end = max_t(int, end, headers->l3 + sizeof(struct iphdr));
	return skb_ensure_writable(skb, end);
}

static int esim_write_word(struct sk_buff *skb, const struct esim_mangle *mangle,
			   struct esim_headers *headers, int offset)
{
	__be32 *word, from, to;
	int err = esim_make_writable(skb, headers, offset);

	if (err)
		return err;
	word = (__be32 *)(skb->data + offset);
	from = get_unaligned(word);
	to = (__force __be32)(((__force u32)from & mangle->keep) ^ mangle->value);
	put_unaligned(to, word);
	esim_fix_checksums(skb, mangle, headers, from, to);
	/* The sum over the whole packet, if the sender knew it, is wrong now. */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	return 0;
}

static int esim_mangle(struct sk_buff *skb, const struct esim_mangle *mangle)
{
	struct esim_headers headers;
	int offset;

	esim_packet_headers(skb, &headers);
	offset = esim_mangle_offset(mangle, &headers);
	if (offset < 0)
		return 0;	/* TC too passes by a header that is not there */
	return esim_write_word(skb, mangle, &headers, offset);
}

/* Add to TTL or hop limit: mangle->value, modulo 256. */
static int esim_add_ttl(struct sk_buff *skb, const struct esim_mangle *add)
{
	struct esim_mangle set = *add;
	struct esim_headers headers;
	u8 *old, *keep = (u8 *)&set.keep, *value = (u8 *)&set.value;
	bool v4 = add->header == FLOW_ACT_MANGLE_HDR_TYPE_IP4;
	int at = v4 ? offsetof(struct iphdr, ttl) : offsetof(struct ipv6hdr, hop_limit);
	int offset;

	esim_packet_headers(skb, &headers);
	offset = esim_mangle_offset(add, &headers);
	if (offset < 0)
		return 0;
	if (!pskb_may_pull(skb, offset + sizeof(u32)))
		return -EINVAL;
	old = skb->data + headers.l3 + at;
	set.keep = ~0;
	set.value = 0;
	keep[at % 4] = 0;
	value[at % 4] = *old + (u8)add->value;
	return esim_write_word(skb, &set, &headers, offset);
}

static int esim_modify(struct sk_buff *skb, const struct esim_action *action)
{
	switch (action->id) {
	case ESIM_ACTION_VLAN_PUSH:
		return skb_vlan_push(skb, action->vlan.proto, action->vlan.tci);
	case ESIM_ACTION_VLAN_POP:
		return skb_vlan_pop(skb);
	case ESIM_ACTION_VLAN_MODIFY:
		if (skb_vlan_tag_present(skb))
			__vlan_hwaccel_put_tag(skb, action->vlan.proto, action->vlan.tci);
		return 0;
	case ESIM_ACTION_MANGLE:
		return esim_mangle(skb, &action->mangle);
	case ESIM_ACTION_ADD_TTL:
		return esim_add_ttl(skb, &action->mangle);
	default:
		return 0;
	}
}

void esim_actions_run(const struct esim_actions *actions, struct esim_port *in,
		      struct sk_buff *skb, const struct esim_size *size)
{
	unsigned int i;

	esim_assert_rcu();
	esim_assert_bh_off();
	for (i = 0; i < actions->n; i++) {
		const struct esim_action *action = &actions->list[i];
		bool last = i + 1 == actions->n;
		struct sk_buff *copy;

		switch (action->id) {
		case ESIM_ACTION_OUTPUT:
			copy = last ? skb : skb_clone(skb, GFP_ATOMIC);
			if (copy)
				esim_deliver_by_rule(action->port, copy, size);
			if (last)
				return;
			break;
		case ESIM_ACTION_TRAP:
			esim_deliver_to_rep(in, skb, size);
			return;
		case ESIM_ACTION_DROP:
			consume_skb(skb);
			return;
		default:
			if (esim_modify(skb, action)) {
				kfree_skb(skb);
				return;
			}
		}
	}
	consume_skb(skb);
}
