// SPDX-License-Identifier: GPL-2.0
/* sriov_numvfs: virtual functions come and go. */
#include <linux/delay.h>

#include "eswitch.h"
#include "nic.h"
#include "sriov.h"
#include "vf.h"

/*
 * The log lines of the two well-known causes, as real machines print them:
 * -ENOMEM, the BIOS left no room for the VF BARs; -EIO, the upstream port does
 * not forward ARI, so that VFs past function 7 do not answer.
 */
static int esim_sriov_fault(struct esim_nic *nic)
{
	struct pci_dev *pdev = nic->pdev;
	int domain = pci_domain_nr(pdev->bus), bus = pdev->bus->number;
	int err = -(int)READ_ONCE(nic->faults.fail_sriov);

	if (!err)
		return 0;
	if (err == -ENOMEM)
		dev_err(&pdev->dev, "not enough MMIO resources for SR-IOV\n");
	if (err == -EIO) {
		pr_info("pci %04x:%02x:01.2: [%04x:%04x] type 7f class 0xffffff\n",
			domain, bus, pdev->vendor, pdev->device);
		pr_err("pci %04x:%02x:01.2: unknown header type 7f, ignoring device\n",
		       domain, bus);
	}
	return err;
}

static int esim_sriov_enable(struct esim_nic *nic, unsigned int num_vfs)
{
	struct devlink *devlink = priv_to_devlink(nic);
	u32 most = READ_ONCE(nic->faults.max_vfs_created);
	int err;

	if (READ_ONCE(nic->faults.sriov_delay_ms))
		msleep(READ_ONCE(nic->faults.sriov_delay_ms));
	if (most && num_vfs > most)
		num_vfs = most;

	devl_lock(devlink);
	err = esim_eswitch_load_vfs(nic, num_vfs);
	devl_unlock(devlink);
	if (err)
		return err;

	err = esim_sriov_fault(nic);
	if (!err)
		err = pci_enable_sriov(nic->pdev, num_vfs);
	if (err) {
		dev_warn(&nic->pdev->dev, "%s:%d:(pid %d): pci_enable_sriov failed : %d\n",
			 __func__, __LINE__, current->pid, err);
		devl_lock(devlink);
		esim_eswitch_unload_vfs(nic);
		devl_unlock(devlink);
		return err;
	}
	return num_vfs;
}

void esim_sriov_disable(struct esim_nic *nic)
{
	struct devlink *devlink = priv_to_devlink(nic);

	/* One by one, in the VF's remove, each netdev would wait for RCU alone. */
	esim_vf_detach_all(nic);
	pci_disable_sriov(nic->pdev);
	devl_lock(devlink);
	esim_eswitch_unload_vfs(nic);
	devl_unlock(devlink);
}

int esim_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct esim_nic *nic = pci_get_drvdata(pdev);

	if (num_vfs)
		return esim_sriov_enable(nic, num_vfs);
	esim_sriov_disable(nic);
	return 0;
}
