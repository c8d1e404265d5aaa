// SPDX-License-Identifier: GPL-2.0
/* The PF's devlink instance: e-switch attributes and info. */
#include "compat.h"
#include "devlink.h"
#include "devlink_port.h"
#include "eswitch.h"
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

static const struct devlink_ops esim_devlink_ops = {
	.info_get = esim_info_get,
	.eswitch_mode_get = esim_mode_get,
	.eswitch_mode_set = esim_mode_set,
	.eswitch_inline_mode_get = esim_inline_mode_get,
	.eswitch_inline_mode_set = esim_inline_mode_set,
	.eswitch_encap_mode_get = esim_encap_mode_get,
	.eswitch_encap_mode_set = esim_encap_mode_set,
#ifndef ESIM_DEVLINK_PORT_OPS
	.port_function_hw_addr_get = esim_devlink_port_get_mac,
	.port_function_hw_addr_set = esim_devlink_port_set_mac,
#endif
};

struct devlink *esim_devlink_alloc(struct pci_dev *pdev)
{
	return devlink_alloc(&esim_devlink_ops, sizeof(struct esim_nic), &pdev->dev);
}
