// SPDX-License-Identifier: GPL-2.0
/* The attributes of a VF. */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "nic.h"
#include "vf_info.h"

/* Takes effect when a driver next probes the VF. */
int esim_vf_info_set_mac(struct esim_port *port, const u8 *mac)
{
	if (is_multicast_ether_addr(mac))
		return -EINVAL;
	mutex_lock(&port->nic->info_lock);
	WRITE_ONCE(port->vf.mac, ether_addr_to_u64(mac));
	mutex_unlock(&port->nic->info_lock);
	return 0;
}

/* The VF is gone: the next one of its number begins with nothing. */
void esim_vf_info_clear(struct esim_port *port)
{
	ASSERT_RTNL();
	mutex_lock(&port->nic->info_lock);
	memset(&port->vf, 0, sizeof(port->vf));
	mutex_unlock(&port->nic->info_lock);
}
