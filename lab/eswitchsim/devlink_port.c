// SPDX-License-Identifier: GPL-2.0
/* devlink ports: that of the uplink and those of VFs, with the functions behind these. */
#include "compat.h"
#include "devlink_port.h"
#include "nic.h"
#include "vf_info.h"

int esim_devlink_port_get_mac(struct devlink_port *dl_port, u8 *addr, int *len,
			      struct netlink_ext_ack *extack)
{
	struct esim_port *port = container_of(dl_port, struct esim_port, dl_port);

	if (esim_port_is_uplink(port))
		return -EOPNOTSUPP;
	u64_to_ether_addr(READ_ONCE(port->vf.mac), addr);
	*len = ETH_ALEN;
	return 0;
}

int esim_devlink_port_set_mac(struct devlink_port *dl_port, const u8 *addr, int len,
			      struct netlink_ext_ack *extack)
{
	struct esim_port *port = container_of(dl_port, struct esim_port, dl_port);

	if (esim_port_is_uplink(port))
		return -EOPNOTSUPP;
	return esim_vf_info_set_mac(port, addr);
}

#ifdef ESIM_DEVLINK_PORT_OPS
static const struct devlink_port_ops esim_uplink_port_ops = { };

static const struct devlink_port_ops esim_vf_port_ops = {
	.port_fn_hw_addr_get = esim_devlink_port_get_mac,
	.port_fn_hw_addr_set = esim_devlink_port_set_mac,
};
#endif

/* Like mlx5's system image GUID: the PF's MAC with two bytes in its middle. */
static void esim_switch_id(const struct esim_nic *nic, struct netdev_phys_item_id *id)
{
	const u8 *mac = nic->mac;
	const u8 guid[] = { mac[0], mac[1], mac[2], 0x03, 0x00, mac[3], mac[4], mac[5] };

	id->id_len = sizeof(guid);
	memcpy(id->id, guid, sizeof(guid));
}

static int esim_devlink_port_register(struct esim_port *port, unsigned int index)
{
	struct devlink *devlink = priv_to_devlink(port->nic);
	int err;

	devl_assert_locked(devlink);
#ifdef ESIM_DEVLINK_PORT_OPS
	err = devl_port_register_with_ops(devlink, &port->dl_port, index,
					  esim_port_is_uplink(port) ? &esim_uplink_port_ops :
								      &esim_vf_port_ops);
#else
	err = devl_port_register(devlink, &port->dl_port, index);
#endif
	port->dl_registered = !err;
	return err;
}

int esim_devlink_port_add_uplink(struct esim_nic *nic)
{
	struct devlink_port_attrs attrs = { .flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL };

	esim_switch_id(nic, &attrs.switch_id);
	devlink_port_attrs_set(&nic->uplink.dl_port, &attrs);
	return esim_devlink_port_register(&nic->uplink, ESIM_VPORT_UPLINK);
}

int esim_devlink_port_add_vf(struct esim_port *port)
{
	struct devlink_port_attrs attrs = { };

	memset(&port->dl_port, 0, sizeof(port->dl_port));
	esim_switch_id(port->nic, &attrs.switch_id);
	devlink_port_attrs_set(&port->dl_port, &attrs);
	devlink_port_attrs_pci_vf_set(&port->dl_port, 0, PCI_FUNC(port->nic->pdev->devfn),
				      esim_port_vf(port), false);
	return esim_devlink_port_register(port, port->vport);
}

void esim_devlink_port_del(struct esim_port *port)
{
	devl_assert_locked(priv_to_devlink(port->nic));
	if (!port->dl_registered)
		return;
	devl_port_unregister(&port->dl_port);
	port->dl_registered = false;
}
