// SPDX-License-Identifier: GPL-2.0
/* The PF's devlink instance: e-switch attributes, info, ports and their functions. */
#include "nic.h"

static int esim_info_get(struct devlink *devlink, struct devlink_info_req *req,
			 struct netlink_ext_ack *extack)
{
	int err = 0;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	err = devlink_info_driver_name_put(req, ESIM_DRV_NAME);
	if (err)
		return err;
#endif
	err = devlink_info_version_fixed_put(req, "fw.psid", ESIM_FW_PSID);
	if (!err)
		err = devlink_info_version_running_put(req, "fw.version", ESIM_FW_VERSION);
	if (!err)
		err = devlink_info_version_running_put(req, DEVLINK_INFO_VERSION_GENERIC_FW,
						       ESIM_FW_VERSION);
	if (!err)
		err = devlink_info_version_stored_put(req, DEVLINK_INFO_VERSION_GENERIC_FW,
						      ESIM_FW_VERSION);
	return err;
}

static int esim_mode_get(struct devlink *devlink, u16 *mode)
{
	*mode = ((struct esim_nic *)devlink_priv(devlink))->mode;
	return 0;
}

static int esim_mode_set(struct devlink *devlink, u16 mode, struct netlink_ext_ack *extack)
{
	return esim_eswitch_set_mode(devlink_priv(devlink), mode, extack);
}

static int esim_inline_mode_get(struct devlink *devlink, u8 *mode)
{
	*mode = ((struct esim_nic *)devlink_priv(devlink))->inline_mode;
	return 0;
}

static int esim_inline_mode_set(struct devlink *devlink, u8 mode, struct netlink_ext_ack *extack)
{
	struct esim_nic *nic = devlink_priv(devlink);
	int err = 0;

	if (mode > DEVLINK_ESWITCH_INLINE_MODE_TRANSPORT) {
		NL_SET_ERR_MSG_MOD(extack, "Inline mode can't be set");
		return -EOPNOTSUPP;
	}
	mutex_lock(&nic->table.lock);
	if (mode != nic->inline_mode && esim_flow_table_count(&nic->table)) {
		NL_SET_ERR_MSG_MOD(extack, "Can't set inline mode when flows are configured");
		err = -EOPNOTSUPP;
	} else {
		nic->inline_mode = mode;
	}
	mutex_unlock(&nic->table.lock);
	return err;
}

static int esim_encap_mode_get(struct devlink *devlink, enum devlink_eswitch_encap_mode *mode)
{
	*mode = ((struct esim_nic *)devlink_priv(devlink))->encap_mode;
	return 0;
}

static int esim_encap_mode_set(struct devlink *devlink, enum devlink_eswitch_encap_mode mode,
			       struct netlink_ext_ack *extack)
{
	struct esim_nic *nic = devlink_priv(devlink);
	int err = 0;

	if (mode != DEVLINK_ESWITCH_ENCAP_MODE_NONE && mode != DEVLINK_ESWITCH_ENCAP_MODE_BASIC)
		return -EOPNOTSUPP;
	mutex_lock(&nic->table.lock);
	if (mode != nic->encap_mode && esim_flow_table_count(&nic->table)) {
		NL_SET_ERR_MSG_MOD(extack, "Can't set encapsulation when flows are configured");
		err = -EOPNOTSUPP;
	} else {
		nic->encap_mode = mode;
	}
	mutex_unlock(&nic->table.lock);
	return err;
}

static int esim_port_hw_addr_get(struct devlink_port *dl_port, u8 *addr, int *len,
				 struct netlink_ext_ack *extack)
{
	struct esim_port *port = container_of(dl_port, struct esim_port, dl_port);

	if (esim_port_is_uplink(port))
		return -EOPNOTSUPP;
	u64_to_ether_addr(READ_ONCE(port->vf.mac), addr);
	*len = ETH_ALEN;
	return 0;
}

static int esim_port_hw_addr_set(struct devlink_port *dl_port, const u8 *addr, int len,
				 struct netlink_ext_ack *extack)
{
	struct esim_port *port = container_of(dl_port, struct esim_port, dl_port);

	if (esim_port_is_uplink(port))
		return -EOPNOTSUPP;
	return esim_eswitch_set_vf_mac(port, addr);
}

#ifdef ESIM_DEVLINK_PORT_OPS
static const struct devlink_port_ops esim_uplink_port_ops = { };

static const struct devlink_port_ops esim_vf_port_ops = {
	.port_fn_hw_addr_get = esim_port_hw_addr_get,
	.port_fn_hw_addr_set = esim_port_hw_addr_set,
};
#endif

static const struct devlink_ops esim_devlink_ops = {
	.info_get = esim_info_get,
	.eswitch_mode_get = esim_mode_get,
	.eswitch_mode_set = esim_mode_set,
	.eswitch_inline_mode_get = esim_inline_mode_get,
	.eswitch_inline_mode_set = esim_inline_mode_set,
	.eswitch_encap_mode_get = esim_encap_mode_get,
	.eswitch_encap_mode_set = esim_encap_mode_set,
#ifndef ESIM_DEVLINK_PORT_OPS
	.port_function_hw_addr_get = esim_port_hw_addr_get,
	.port_function_hw_addr_set = esim_port_hw_addr_set,
#endif
};

struct devlink *esim_devlink_alloc(struct pci_dev *pdev)
{
	return devlink_alloc(&esim_devlink_ops, sizeof(struct esim_nic), &pdev->dev);
}

/* Like mlx5's system image GUID: the PF's MAC with two bytes in its middle. */
static void esim_switch_id(const struct esim_nic *nic, struct netdev_phys_item_id *id)
{
	const u8 *mac = nic->mac;
	const u8 guid[] = { mac[0], mac[1], mac[2], 0x03, 0x00, mac[3], mac[4], mac[5] };

	id->id_len = sizeof(guid);
	memcpy(id->id, guid, sizeof(guid));
}

static int esim_devlink_register_port(struct esim_port *port, unsigned int index)
{
	struct devlink *devlink = priv_to_devlink(port->nic);
	int err;

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

int esim_devlink_add_uplink(struct esim_nic *nic)
{
	struct devlink_port_attrs attrs = { .flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL };
	struct devlink *devlink = priv_to_devlink(nic);
	int err;

	esim_switch_id(nic, &attrs.switch_id);
	devlink_port_attrs_set(&nic->uplink.dl_port, &attrs);
	devl_lock(devlink);
	err = esim_devlink_register_port(&nic->uplink, ESIM_VPORT_UPLINK);
	devl_unlock(devlink);
	return err;
}

/* The caller has the devlink lock. */
int esim_devlink_add_vf(struct esim_port *port)
{
	struct devlink_port_attrs attrs = { };

	memset(&port->dl_port, 0, sizeof(port->dl_port));
	esim_switch_id(port->nic, &attrs.switch_id);
	devlink_port_attrs_set(&port->dl_port, &attrs);
	devlink_port_attrs_pci_vf_set(&port->dl_port, 0, PCI_FUNC(port->nic->pdev->devfn),
				      esim_port_vf(port), false);
	return esim_devlink_register_port(port, port->vport);
}

/* The caller has the devlink lock if the port is that of a VF. */
void esim_devlink_del_port(struct esim_port *port)
{
	struct devlink *devlink = priv_to_devlink(port->nic);
	bool uplink = esim_port_is_uplink(port);

	if (!port->dl_registered)
		return;
	if (uplink)
		devl_lock(devlink);
	devl_port_unregister(&port->dl_port);
	if (uplink)
		devl_unlock(devlink);
	port->dl_registered = false;
}
