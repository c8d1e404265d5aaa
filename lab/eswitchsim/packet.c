// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the headers of a packet, with as much care for short and hostile
 * ones as the kernel's flow dissector takes.
 */
#include <linux/icmp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "packet.h"

#define ESIM_MAX_EXT_HEADERS	8

struct esim_l3 {
	int l4;			/* offset of the transport header, 0: none here */
	u8 proto;
	u8 frag;
};

static bool esim_parse_ipv4(const struct sk_buff *skb, int offset, struct esim_l3 *l3,
			    struct esim_key *key)
{
	struct iphdr buf;
	const struct iphdr *ip = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!ip || ip->ihl < 5)
		return false;
	l3->proto = ip->protocol;
	l3->l4 = offset + ip->ihl * 4;
	if (ip_is_fragment(ip)) {
		l3->frag = ESIM_FRAG;
		if (ip->frag_off & htons(IP_OFFSET))
			l3->l4 = 0;
		else
			l3->frag |= ESIM_FRAG_FIRST;
	}
	if (key) {
		key->ipv4.src = ip->saddr;
		key->ipv4.dst = ip->daddr;
		key->tos = ip->tos;
		key->ttl = ip->ttl;
	}
	return true;
}

static bool esim_parse_ipv6_fragment(const struct sk_buff *skb, struct esim_l3 *l3)
{
	struct frag_hdr buf;
	const struct frag_hdr *frag = skb_header_pointer(skb, l3->l4, sizeof(buf), &buf);

	if (!frag)
		return false;
	l3->proto = frag->nexthdr;
	l3->frag = ESIM_FRAG;
	if (frag->frag_off & htons(IP6_OFFSET)) {
		l3->l4 = 0;
	} else {
		l3->frag |= ESIM_FRAG_FIRST;
		l3->l4 += sizeof(*frag);
	}
	return true;
}

/* Step over extension headers until the transport header or something unknown. */
static bool esim_skip_ipv6_extensions(const struct sk_buff *skb, struct esim_l3 *l3)
{
	const struct ipv6_opt_hdr *ext;
	struct ipv6_opt_hdr buf;
	int i;

	for (i = 0; i < ESIM_MAX_EXT_HEADERS && l3->l4; i++) {
		switch (l3->proto) {
		case NEXTHDR_HOP:
		case NEXTHDR_ROUTING:
		case NEXTHDR_DEST:
			ext = skb_header_pointer(skb, l3->l4, sizeof(buf), &buf);
			if (!ext)
				return false;
			l3->proto = ext->nexthdr;
			l3->l4 += ipv6_optlen(ext);
			break;
		case NEXTHDR_FRAGMENT:
			if (!esim_parse_ipv6_fragment(skb, l3))
				return false;
			break;
		default:
			return true;
		}
	}
	return true;
}

static bool esim_parse_ipv6(const struct sk_buff *skb, int offset, struct esim_l3 *l3,
			    struct esim_key *key)
{
	struct ipv6hdr buf;
	const struct ipv6hdr *ip = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!ip)
		return false;
	l3->proto = ip->nexthdr;
	l3->l4 = offset + sizeof(*ip);
	if (key) {
		key->ipv6.src = ip->saddr;
		key->ipv6.dst = ip->daddr;
		key->tos = ipv6_get_dsfield(ip);
		key->ttl = ip->hop_limit;
	}
	return esim_skip_ipv6_extensions(skb, l3);
}

static bool esim_parse_l3(const struct sk_buff *skb, int offset, __be16 eth_type,
			  struct esim_l3 *l3, struct esim_key *key)
{
	*l3 = (struct esim_l3) { };
	if (eth_type == htons(ETH_P_IP))
		return esim_parse_ipv4(skb, offset, l3, key);
	if (eth_type == htons(ETH_P_IPV6))
		return esim_parse_ipv6(skb, offset, l3, key);
	return false;
}

static void esim_parse_l4(const struct sk_buff *skb, const struct esim_l3 *l3,
			  struct esim_key *key)
{
	const struct icmphdr *icmp;
	const __be16 *ports;
	struct tcphdr buf;

	switch (l3->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		ports = skb_header_pointer(skb, l3->l4, 4, &buf);
		if (!ports)
			return;
		key->sport = ports[0];
		key->dport = ports[1];
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		icmp = skb_header_pointer(skb, l3->l4, 4, &buf);
		if (!icmp)
			return;
		key->icmp_type = icmp->type;
		key->icmp_code = icmp->code;
		return;
	}
	if (l3->proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = skb_header_pointer(skb, l3->l4, sizeof(buf), &buf);

		/* 12 bits, without the data offset, as the flow dissector has them. */
		if (tcp)
			key->tcp_flags = *(__be16 *)&tcp_flag_word(tcp) & htons(0x0fff);
	}
}

/* The outer VLAN tag is in the skb's metadata: esim_switch saw to it. */
void esim_packet_key(struct sk_buff *skb, u16 in_port, struct esim_key *key)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	struct esim_l3 l3;

	memset(key, 0, sizeof(*key));
	key->in_port = in_port;
	ether_addr_copy(key->dst, eth->h_dest);
	ether_addr_copy(key->src, eth->h_source);
	key->eth_type = eth->h_proto;
	if (skb_vlan_tag_present(skb)) {
		key->vlan_tpid = skb->vlan_proto;
		key->vlan_tci = htons(skb_vlan_tag_get(skb) & ~VLAN_CFI_MASK);
	}
	if (!esim_parse_l3(skb, ETH_HLEN, eth->h_proto, &l3, key))
		return;
	key->ip_proto = l3.proto;
	key->frag = l3.frag;
	if (l3.l4)
		esim_parse_l4(skb, &l3, key);
}

/* Unlike the key, this looks behind all VLAN tags: a rule may have pushed one. */
void esim_packet_headers(const struct sk_buff *skb, struct esim_headers *headers)
{
	__be16 eth_type = ((const struct ethhdr *)skb->data)->h_proto;
	int offset = ETH_HLEN;
	struct esim_l3 l3;

	*headers = (struct esim_headers) { };
	while (eth_type_vlan(eth_type)) {
		struct vlan_hdr buf;
		const struct vlan_hdr *vlan;

		vlan = skb_header_pointer(skb, offset, sizeof(buf), &buf);
		if (!vlan)
			return;
		eth_type = vlan->h_vlan_encapsulated_proto;
		offset += VLAN_HLEN;
	}
	if (!esim_parse_l3(skb, offset, eth_type, &l3, NULL))
		return;
	headers->l3 = offset;
	headers->l4 = l3.l4;
	headers->eth_type = eth_type;
	headers->ip_proto = l3.proto;
}
