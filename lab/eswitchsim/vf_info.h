/* SPDX-License-Identifier: GPL-2.0 */
/* What the administrator of a NIC says about a VF. */
#ifndef ESIM_VF_INFO_H
#define ESIM_VF_INFO_H

#include <linux/if_link.h>
#include <linux/types.h>

struct esim_port;

/* VF attributes that the PF administrates. Scalars, as the data path reads them without a lock. */
struct esim_vf_info {
	u64 mac;		/* ether_addr_to_u64(), 0: none */
	u32 max_rate;		/* Mbit/s, 0: no limit */
	u32 min_rate;		/* Mbit/s, remembered and shown only */
	int link_state;		/* IFLA_VF_LINK_STATE_* */
	u16 vlan;
	u8 qos;
	bool spoofchk;
	bool trust;
};

int esim_vf_info_set_mac(struct esim_port *port, const u8 *mac);
void esim_vf_info_clear(struct esim_port *port);

#endif
