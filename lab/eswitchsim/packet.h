/* SPDX-License-Identifier: GPL-2.0 */
/* What the e-switch reads from a packet. */
#ifndef ESIM_PACKET_H
#define ESIM_PACKET_H

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/skbuff.h>

#define ESIM_FRAG	BIT(0)	/* is a fragment */
#define ESIM_FRAG_FIRST	BIT(1)	/* is the first fragment */

/* One cache line; all bits that a rule can match. Also the shape of a mask. */
struct esim_key {
	u16 in_port;
	u8 dst[ETH_ALEN];
	u8 src[ETH_ALEN];
	__be16 eth_type;	/* behind the outer VLAN tag */
	__be16 vlan_tpid;	/* 0: untagged */
	__be16 vlan_tci;	/* without DEI */
	u8 ip_proto;
	u8 tos;
	u8 ttl;
	u8 frag;
	__be16 sport;
	__be16 dport;
	__be16 tcp_flags;
	u8 icmp_type;
	u8 icmp_code;
	union {
		struct {
			__be32 src;
			__be32 dst;
		} ipv4;
		struct {
			struct in6_addr src;
			struct in6_addr dst;
		} ipv6;
	};
} __aligned(8);

#define ESIM_KEY_WORDS	(sizeof(struct esim_key) / sizeof(u64))

static_assert(sizeof(struct esim_key) == 64);

/* A packet as it would be on a wire. */
struct esim_size {
	u64 packets;	/* segments, for a GSO packet */
	u64 bytes;
};

void esim_packet_key(struct sk_buff *skb, u16 in_port, struct esim_key *key);

/* Where the headers are, for rewriting. Offsets from skb->data; 0: there is none. */
struct esim_headers {
	int l3;
	int l4;
	__be16 eth_type;
	u8 ip_proto;
};

void esim_packet_headers(const struct sk_buff *skb, struct esim_headers *headers);

#endif
