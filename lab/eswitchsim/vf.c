// SPDX-License-Identifier: GPL-2.0
/* A virtual function bound to this driver on the host: its netdev. */
#include <linux/rtnetlink.h>

#include "compat.h"
#include "ethtool.h"
#include "link.h"
#include "netdev.h"
#include "nic.h"
#include "switch.h"
#include "vf.h"

/* As with mlx5, a VF is a devlink instance of its own, with one port of flavour virtual. */
struct esim_vf {
	struct esim_port *port;
	struct net_device *dev;
	struct devlink_port dl_port;
};

static const struct devlink_ops esim_vf_devlink_ops = { };

static int esim_vf_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int esim_vf_stop(struct net_device *dev)
{
	struct esim_netdev *priv = netdev_priv(dev);

	netif_stop_queue(dev);
	esim_pacer_stop(&priv->pacer);
	return 0;
}

static const struct net_device_ops esim_vf_ops = {
	.ndo_open = esim_vf_open,
	.ndo_stop = esim_vf_stop,
	.ndo_start_xmit = esim_xmit_func,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
#ifdef ESIM_NDO_DEVLINK_PORT
	.ndo_get_devlink_port = esim_netdev_get_devlink_port,
#endif
};

/* The administrator's MAC, or another random one at each probe. */
static void esim_vf_set_mac(struct pci_dev *pdev, struct net_device *dev, u64 admin)
{
	u8 mac[ETH_ALEN];

	if (admin) {
		u64_to_ether_addr(admin, mac);
		eth_hw_addr_set(dev, mac);
		return;
	}
	eth_hw_addr_random(dev);
	dev_info(&pdev->dev, "Assigned random MAC address %pM\n", dev->dev_addr);
}

static int esim_vf_register_netdev(struct esim_vf *vf)
{
	struct esim_port *port = vf->port;
	int err;

	rtnl_lock();
	/* Before registering, lest the link be up for a moment. */
	netif_carrier_off(vf->dev);
	err = esim_netdev_register(vf->dev);
	if (!err) {
		rcu_assign_pointer(port->func, vf->dev);
		esim_port_update_link(port);
	}
	rtnl_unlock();
	return err;
}

static void esim_vf_queue_unregister(struct esim_port *port, struct list_head *gone)
{
	struct net_device *dev = rtnl_dereference(port->func);

	ASSERT_RTNL();
	lockdep_assert_held(&port->nic->detach_lock);
	if (!dev)
		return;
	RCU_INIT_POINTER(port->func, NULL);
	unregister_netdevice_queue(dev, gone);
}

/* Unregister the netdevs of all probed VFs at once; their remove does the rest. */
void esim_vf_detach_all(struct esim_nic *nic)
{
	LIST_HEAD(gone);
	unsigned int i;

	mutex_lock(&nic->detach_lock);
	rtnl_lock();
	for (i = 0; i < nic->max_vfs; i++)
		esim_vf_queue_unregister(&nic->vfs[i], &gone);
	unregister_netdevice_many(&gone);
	rtnl_unlock();
	mutex_unlock(&nic->detach_lock);
}

static void esim_vf_unregister_netdev(struct esim_vf *vf)
{
	struct esim_nic *nic = vf->port->nic;
	LIST_HEAD(gone);

	/* detach_all() may have been here first: then wait until it is through. */
	mutex_lock(&nic->detach_lock);
	rtnl_lock();
	if (rtnl_dereference(vf->port->func) == vf->dev) {
		esim_vf_queue_unregister(vf->port, &gone);
		unregister_netdevice_many(&gone);
	}
	rtnl_unlock();
	mutex_unlock(&nic->detach_lock);
	free_netdev(vf->dev);
}

static int esim_vf_add_devlink_port(struct devlink *devlink, struct esim_vf *vf)
{
	struct devlink_port_attrs attrs = { .flavour = DEVLINK_PORT_FLAVOUR_VIRTUAL };
	int err;

	devlink_port_attrs_set(&vf->dl_port, &attrs);
	devl_lock(devlink);
	err = devl_port_register(devlink, &vf->dl_port, 0);
	devl_unlock(devlink);
	return err;
}

static void esim_vf_del_devlink_port(struct devlink *devlink, struct esim_vf *vf)
{
	devl_lock(devlink);
	devl_port_unregister(&vf->dl_port);
	devl_unlock(devlink);
}

static struct net_device *esim_vf_alloc_netdev(struct pci_dev *pdev, struct esim_vf *vf)
{
	struct net_device *dev = esim_netdev_alloc(vf->port, "eth%d", &esim_vf_ops);
	struct esim_netdev *priv;

	if (!dev)
		return NULL;
	priv = netdev_priv(dev);
	SET_NETDEV_DEV(dev, &pdev->dev);
	esim_netdev_set_devlink_port(dev, &vf->dl_port);
	dev->ethtool_ops = &esim_ethtool_ops;
	esim_vf_set_mac(pdev, dev, READ_ONCE(vf->port->vf.mac));
	esim_pacer_init(&priv->pacer, dev);
	return dev;
}

int esim_vf_probe(struct pci_dev *pdev)
{
	struct esim_nic *nic = pci_get_drvdata(pci_physfn(pdev));
	int id = pci_iov_vf_id(pdev);
	struct devlink *devlink;
	struct esim_vf *vf;
	int err;

	if (!nic || id < 0 || id >= nic->max_vfs)
		return -ENODEV;
	devlink = devlink_alloc(&esim_vf_devlink_ops, sizeof(*vf), &pdev->dev);
	if (!devlink)
		return -ENOMEM;
	vf = devlink_priv(devlink);
	vf->port = &nic->vfs[id];
	err = esim_vf_add_devlink_port(devlink, vf);
	if (err)
		goto err_devlink;
	vf->dev = esim_vf_alloc_netdev(pdev, vf);
	if (!vf->dev) {
		err = -ENOMEM;
		goto err_port;
	}
	err = esim_vf_register_netdev(vf);
	if (err)
		goto err_netdev;
	pci_set_drvdata(pdev, devlink);
	devlink_register(devlink);
	return 0;

err_netdev:
	free_netdev(vf->dev);
err_port:
	esim_vf_del_devlink_port(devlink, vf);
err_devlink:
	devlink_free(devlink);
	return err;
}

void esim_vf_remove(struct pci_dev *pdev)
{
	struct devlink *devlink = pci_get_drvdata(pdev);
	struct esim_vf *vf = devlink_priv(devlink);

	devlink_unregister(devlink);
	esim_vf_unregister_netdev(vf);
	esim_vf_del_devlink_port(devlink, vf);
	pci_set_drvdata(pdev, NULL);
	devlink_free(devlink);
}
