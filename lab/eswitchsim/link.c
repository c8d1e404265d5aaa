// SPDX-License-Identifier: GPL-2.0
/* Which netdevs have link. */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "link.h"
#include "nic.h"

static void esim_set_carrier(struct net_device *dev, bool up)
{
	if (up)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/*
 * The cable has link when both of its ends are up. netif_running() instead of
 * IFF_UP, because it is right within ndo_open and ndo_stop already.
 */
static bool esim_uplink_has_link(const struct esim_port *uplink)
{
	const struct net_device *wire = rtnl_dereference(uplink->func);
	const struct net_device *pf = rtnl_dereference(uplink->rep);

	return wire && pf && netif_running(wire) && netif_running(pf);
}

static bool esim_vf_has_link(const struct esim_port *port)
{
	const struct net_device *rep = rtnl_dereference(port->rep);

	/* In switchdev mode the representor decides, whatever "ip link set vf state" says. */
	if (esim_is_switchdev(port->nic))
		return rep && netif_running(rep);
	switch (READ_ONCE(port->vf.link_state)) {
	case IFLA_VF_LINK_STATE_ENABLE:
		return true;
	case IFLA_VF_LINK_STATE_DISABLE:
		return false;
	default:
		return esim_uplink_has_link(&port->nic->uplink);
	}
}

void esim_port_update_link(struct esim_port *port)
{
	struct net_device *func = rtnl_dereference(port->func);

	ASSERT_RTNL();
	if (func)
		esim_set_carrier(func, esim_vf_has_link(port));
}

void esim_nic_update_links(struct esim_nic *nic)
{
	struct net_device *wire = rtnl_dereference(nic->uplink.func);
	struct net_device *pf = rtnl_dereference(nic->uplink.rep);
	bool up = esim_uplink_has_link(&nic->uplink);
	unsigned int i;

	ASSERT_RTNL();
	if (wire)
		esim_set_carrier(wire, up);
	if (pf)
		esim_set_carrier(pf, up);
	for (i = 0; i < nic->max_vfs; i++)
		esim_port_update_link(&nic->vfs[i]);
}
