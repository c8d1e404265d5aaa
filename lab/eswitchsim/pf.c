// SPDX-License-Identifier: GPL-2.0
/* The physical function: a NIC comes and goes. */
#include <linux/idr.h>
#include <linux/rtnetlink.h>

#include "debugfs.h"
#include "devlink.h"
#include "devlink_port.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "pf.h"
#include "sriov.h"
#include "uplink.h"
#include "wire.h"

/* Permanent MAC of the first NIC; the next ones are 0x10 further each. */
#define ESIM_FIRST_MAC	0x08c0eb329811ULL

static DEFINE_IDA(esim_nic_ids);

static int esim_nic_alloc_ports(struct esim_nic *nic)
{
	unsigned int i;
	int err;

	err = esim_port_init(&nic->uplink, nic, ESIM_VPORT_UPLINK);
	if (err)
		return err;
	nic->vfs = kvcalloc(nic->max_vfs ?: 1, sizeof(*nic->vfs), GFP_KERNEL);
	if (!nic->vfs)
		return -ENOMEM;
	for (i = 0; i < nic->max_vfs; i++) {
		err = esim_port_init(&nic->vfs[i], nic, i + 1);
		if (err)
			return err;
	}
	return 0;
}

static void esim_nic_free_ports(struct esim_nic *nic)
{
	unsigned int i;

	for (i = 0; nic->vfs && i < nic->max_vfs; i++)
		esim_port_free(&nic->vfs[i]);
	kvfree(nic->vfs);
	esim_port_free(&nic->uplink);
}

/* Both ends of the uplink appear together: the PF netdev and the wire. */
static int esim_nic_register_uplink(struct esim_nic *nic)
{
	struct net_device *wire, *pf;
	int err;

	wire = esim_wire_create(&nic->uplink);
	if (!wire)
		return -ENOMEM;
	pf = esim_uplink_create(&nic->uplink);
	if (!pf) {
		free_netdev(wire);
		return -ENOMEM;
	}
	rtnl_lock();
	err = esim_netdev_register(wire);
	if (err) {
		rtnl_unlock();
		goto err_free;
	}
	err = esim_netdev_register(pf);
	if (err) {
		unregister_netdevice(wire);
		rtnl_unlock();
		goto err_free;
	}
	rcu_assign_pointer(nic->uplink.func, wire);
	rcu_assign_pointer(nic->uplink.rep, pf);
	esim_nic_update_links(nic);
	rtnl_unlock();
	return 0;

err_free:
	free_netdev(pf);
	free_netdev(wire);
	return err;
}

static void esim_nic_unregister_uplink(struct esim_nic *nic)
{
	struct net_device *wire, *pf;
	LIST_HEAD(gone);

	rtnl_lock();
	wire = rtnl_dereference(nic->uplink.func);
	pf = rtnl_dereference(nic->uplink.rep);
	RCU_INIT_POINTER(nic->uplink.func, NULL);
	RCU_INIT_POINTER(nic->uplink.rep, NULL);
	unregister_netdevice_queue(pf, &gone);
	unregister_netdevice_queue(wire, &gone);
	unregister_netdevice_many(&gone);
	rtnl_unlock();
	free_netdev(pf);
	free_netdev(wire);
}

static int esim_nic_init(struct esim_nic *nic, struct pci_dev *pdev)
{
	int id, total, err;

	id = ida_alloc(&esim_nic_ids, GFP_KERNEL);
	if (id < 0)
		return id;
	nic->index = id;
	nic->pdev = pdev;
	u64_to_ether_addr(ESIM_FIRST_MAC + 0x10 * id, nic->mac);
	nic->mode = DEVLINK_ESWITCH_MODE_LEGACY;
	nic->inline_mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
	nic->encap_mode = DEVLINK_ESWITCH_ENCAP_MODE_BASIC;
	mutex_init(&nic->detach_lock);
	mutex_init(&nic->info_lock);
	total = pci_sriov_get_totalvfs(pdev);
	nic->max_vfs = max(total, 0);
	err = esim_nic_alloc_ports(nic);
	if (!err)
		err = esim_flow_table_init(&nic->table);
	if (err) {
		esim_nic_free_ports(nic);
		ida_free(&esim_nic_ids, id);
	}
	return err;
}

static void esim_nic_exit(struct esim_nic *nic)
{
	esim_flow_table_exit(&nic->table);
	esim_nic_free_ports(nic);
	ida_free(&esim_nic_ids, nic->index);
}

int esim_pf_probe(struct pci_dev *pdev)
{
	struct devlink *devlink = esim_devlink_alloc(pdev);
	struct esim_nic *nic;
	int err;

	if (!devlink)
		return -ENOMEM;
	nic = devlink_priv(devlink);
	err = esim_nic_init(nic, pdev);
	if (err)
		goto err_devlink;
	err = pci_enable_device(pdev);
	if (err)
		goto err_nic;
	pci_set_master(pdev);
	devl_lock(devlink);
	err = esim_devlink_port_add_uplink(nic);
	devl_unlock(devlink);
	if (err)
		goto err_pci;
	err = esim_nic_register_uplink(nic);
	if (err)
		goto err_port;
	pci_set_drvdata(pdev, nic);
	esim_debugfs_add(nic);
	devlink_register(devlink);
	dev_info(&pdev->dev, "firmware version: " ESIM_FW_VERSION "\n");
	return 0;

err_port:
	devl_lock(devlink);
	esim_devlink_port_del(&nic->uplink);
	devl_unlock(devlink);
err_pci:
	pci_disable_device(pdev);
err_nic:
	esim_nic_exit(nic);
err_devlink:
	devlink_free(devlink);
	return err;
}

void esim_pf_remove(struct pci_dev *pdev)
{
	struct esim_nic *nic = pci_get_drvdata(pdev);
	struct devlink *devlink = priv_to_devlink(nic);

	devlink_unregister(devlink);
	esim_debugfs_del(nic);
	if (nic->num_vfs)
		esim_sriov_disable(nic);
	esim_nic_unregister_uplink(nic);
	devl_lock(devlink);
	esim_devlink_port_del(&nic->uplink);
	devl_unlock(devlink);
	pci_disable_device(pdev);
	pci_set_drvdata(pdev, NULL);
	esim_nic_exit(nic);
	devlink_free(devlink);
}
