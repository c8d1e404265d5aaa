// SPDX-License-Identifier: GPL-2.0
/*
 * The e-switch's mode and its VF vports.
 * Log lines and error texts are those of mlx5 (eswitch.c, eswitch_offloads.c).
 */
#include <linux/rtnetlink.h>

#include "compat.h"
#include "devlink_port.h"
#include "eswitch.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "rep.h"
#include "vf_info.h"

static const char *esim_mode_name(u16 mode)
{
	return mode == DEVLINK_ESWITCH_MODE_SWITCHDEV ? "OFFLOADS" : "LEGACY";
}

static void esim_log_mode(struct esim_nic *nic, const char *what)
{
	dev_info(&nic->pdev->dev, "E-Switch: %s: mode(%s), nvfs(%u), necvfs(0), active vports(%u)\n",
		 what, esim_mode_name(nic->mode), nic->num_vfs, nic->num_vfs + 1);
}

static void esim_remove_reps(struct esim_nic *nic, unsigned int n)
{
	struct net_device *rep;
	LIST_HEAD(gone);
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < n; i++) {
		rep = rtnl_dereference(nic->vfs[i].rep);
		if (!rep)
			continue;
		RCU_INIT_POINTER(nic->vfs[i].rep, NULL);
		unregister_netdevice_queue(rep, &gone);
	}
	/* One wait for RCU for all of them. */
	unregister_netdevice_many(&gone);
	rtnl_unlock();
	for (i = 0; i < n; i++)
		esim_devlink_port_del(&nic->vfs[i]);
}

static int esim_add_rep(struct esim_port *port)
{
	struct esim_faults *faults = &port->nic->faults;
	struct net_device *rep;
	int err;

	ASSERT_RTNL();
	if (READ_ONCE(faults->fail_reps)) {
		WRITE_ONCE(faults->fail_reps, faults->fail_reps - 1);
		return -ENOMEM;
	}
	rep = esim_rep_create(port);
	if (!rep)
		return -ENOMEM;
	err = esim_netdev_register(rep);
	if (err) {
		free_netdev(rep);
		return err;
	}
	rep->needs_free_netdev = true;
	rcu_assign_pointer(port->rep, rep);
	return 0;
}

static int esim_add_reps(struct esim_nic *nic, unsigned int n)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = esim_devlink_port_add_vf(&nic->vfs[i]);
	if (!err) {
		rtnl_lock();
		for (i = 0; i < n && !err; i++)
			err = esim_add_rep(&nic->vfs[i]);
		rtnl_unlock();
	}
	if (err)
		esim_remove_reps(nic, n);
	return err;
}

int esim_eswitch_load_vfs(struct esim_nic *nic, unsigned int num_vfs)
{
	int err = 0;

	devl_assert_locked(priv_to_devlink(nic));
	if (esim_is_switchdev(nic))
		err = esim_add_reps(nic, num_vfs);
	if (err)
		return err;
	rtnl_lock();
	WRITE_ONCE(nic->num_vfs, num_vfs);
	rtnl_unlock();
	esim_log_mode(nic, "Enable");
	return 0;
}

void esim_eswitch_unload_vfs(struct esim_nic *nic)
{
	unsigned int i, n = nic->num_vfs;

	devl_assert_locked(priv_to_devlink(nic));
	esim_log_mode(nic, "Unload vfs");
	if (esim_is_switchdev(nic))
		esim_remove_reps(nic, n);
	rtnl_lock();
	WRITE_ONCE(nic->num_vfs, 0);
	for (i = 0; i < n; i++)
		esim_vf_info_clear(&nic->vfs[i]);
	rtnl_unlock();
}

static bool esim_any_vf_is_bound(struct esim_nic *nic)
{
	struct pci_dev *vfdev = NULL;

	while ((vfdev = pci_get_device(nic->pdev->vendor, PCI_ANY_ID, vfdev))) {
		if (vfdev->is_virtfn && pci_physfn(vfdev) == nic->pdev &&
		    READ_ONCE(vfdev->dev.driver)) {
			pci_dev_put(vfdev);
			return true;
		}
	}
	return false;
}

static void esim_log_firmware_refusal(struct esim_nic *nic)
{
	dev_err(&nic->pdev->dev, "%s:%d:(pid %d): CREATE_FLOW_TABLE(0x930) op_mod(0x0) failed, status bad resource state(0x9), syndrome (0x98afbb), err(-22)\n",
		__func__, __LINE__, current->pid);
	dev_err(&nic->pdev->dev, "E-Switch: Failed to create slow path FDB Table err -22\n");
}

static int esim_check_to_switchdev(struct esim_nic *nic, struct netlink_ext_ack *extack)
{
	struct net_device *pf;
	bool same;

	rtnl_lock();
	pf = rtnl_dereference(nic->uplink.rep);
	same = net_eq(dev_net(pf), devlink_net(priv_to_devlink(nic)));
	rtnl_unlock();
	if (!same) {
		NL_SET_ERR_MSG_MOD(extack, "Can't change E-Switch mode to switchdev when netdev net namespace has diverged from the devlink's.");
		return -EPERM;
	}
	if (nic->faults.fail_mode || esim_any_vf_is_bound(nic)) {
		if (nic->faults.fail_mode)
			nic->faults.fail_mode--;
		esim_log_firmware_refusal(nic);
		NL_SET_ERR_MSG_MOD(extack, "Failed setting eswitch to offloads.");
		return -EINVAL;
	}
	return 0;
}

/* Under table.lock a rule that is just coming sees either mode, not both. */
static void esim_write_mode(struct esim_nic *nic, u16 mode, bool changing)
{
	devl_assert_locked(priv_to_devlink(nic));
	lockdep_assert_held(&nic->table.lock);
	WRITE_ONCE(nic->mode, mode);
	nic->mode_changing = changing;
}

/*
 * Only while TC uses nothing. In switchdev mode there are no rules until
 * esim_end_change(), so that legacy mode never has any, not even on the way back.
 */
static int esim_begin_change(struct esim_nic *nic, u16 mode, struct netlink_ext_ack *extack)
{
	int err = 0;

	mutex_lock(&nic->table.lock);
	if (esim_flow_table_count(&nic->table) || atomic_read(&nic->n_blocks)) {
		NL_SET_ERR_MSG_MOD(extack, "Can't change mode, E-Switch is busy");
		err = -EBUSY;
	} else {
		if (nic->num_vfs || esim_is_switchdev(nic))
			esim_log_mode(nic, "Disable");
		esim_write_mode(nic, mode, mode == DEVLINK_ESWITCH_MODE_SWITCHDEV);
	}
	mutex_unlock(&nic->table.lock);
	return err;
}

static void esim_end_change(struct esim_nic *nic, u16 mode)
{
	mutex_lock(&nic->table.lock);
	esim_write_mode(nic, mode, false);
	mutex_unlock(&nic->table.lock);
}

/*
 * The PF netdev stays the same one. As uplink representor it offloads TC, and
 * as in mlx5 it may not leave the network namespace of the devlink instance.
 */
static void esim_update_uplink(struct esim_nic *nic)
{
	bool switchdev = esim_is_switchdev(nic);
	struct net_device *pf;

	rtnl_lock();
	pf = rtnl_dereference(nic->uplink.rep);
	if (switchdev)
		pf->wanted_features |= NETIF_F_HW_TC;
	else
		pf->wanted_features &= ~NETIF_F_HW_TC;
	esim_set_netns_local(pf, switchdev);
	netdev_update_features(pf);
	esim_nic_update_links(nic);
	rtnl_unlock();
}

static int esim_to_switchdev(struct esim_nic *nic, struct netlink_ext_ack *extack)
{
	int err = esim_check_to_switchdev(nic, extack);

	if (err)
		return err;
	err = esim_begin_change(nic, DEVLINK_ESWITCH_MODE_SWITCHDEV, extack);
	if (err)
		return err;
	dev_info(&nic->pdev->dev, "E-Switch: Supported tc offload range - chains: 0, prios: 65535\n");
	esim_update_uplink(nic);
	err = esim_add_reps(nic, nic->num_vfs);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "Failed setting eswitch to offloads.");
		esim_end_change(nic, DEVLINK_ESWITCH_MODE_LEGACY);
		esim_update_uplink(nic);
		return err;
	}
	esim_end_change(nic, DEVLINK_ESWITCH_MODE_SWITCHDEV);
	esim_log_mode(nic, "Enable");
	return 0;
}

static int esim_to_legacy(struct esim_nic *nic, struct netlink_ext_ack *extack)
{
	int err = esim_begin_change(nic, DEVLINK_ESWITCH_MODE_LEGACY, extack);

	if (err)
		return err;
	esim_remove_reps(nic, nic->num_vfs);
	esim_update_uplink(nic);
	if (nic->num_vfs)
		esim_log_mode(nic, "Enable");
	return 0;
}

int esim_eswitch_set_mode(struct esim_nic *nic, u16 mode, struct netlink_ext_ack *extack)
{
	devl_assert_locked(priv_to_devlink(nic));
	if (mode == nic->mode)
		return 0;
	switch (mode) {
	case DEVLINK_ESWITCH_MODE_SWITCHDEV:
		return esim_to_switchdev(nic, extack);
	case DEVLINK_ESWITCH_MODE_LEGACY:
		return esim_to_legacy(nic, extack);
	default:
		return -EOPNOTSUPP;
	}
}
