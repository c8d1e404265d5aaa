// SPDX-License-Identifier: GPL-2.0
/*
 * eswitchsim: a virtual SR-IOV NIC with an embedded switch.
 *
 * The PCI body comes from QEMU's nvme device, so that PCI, IOMMU groups, VFs
 * and uevents are real; everything behind it is software. Modelled on
 * mlx5_core, the driver of the NICs that it stands in for.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include "debugfs.h"
#include "nic.h"
#include "pf.h"
#include "sriov.h"
#include "vf.h"

static int esim_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return pdev->is_virtfn ? esim_vf_probe(pdev) : esim_pf_probe(pdev);
}

static void esim_remove(struct pci_dev *pdev)
{
	if (pdev->is_virtfn)
		esim_vf_remove(pdev);
	else
		esim_pf_remove(pdev);
}

static const struct pci_device_id esim_pci_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, 0x0010) },	/* QEMU's nvme, PF and VF alike */
	{ }
};
MODULE_DEVICE_TABLE(pci, esim_pci_ids);

static struct pci_driver esim_pci_driver = {
	.name = ESIM_DRV_NAME,
	.id_table = esim_pci_ids,
	.probe = esim_probe,
	.remove = esim_remove,
	.sriov_configure = esim_sriov_configure,
};

static int __init esim_init(void)
{
	int err;

	err = esim_flow_table_module_init();
	if (err)
		return err;
	esim_debugfs_init();
	err = pci_register_driver(&esim_pci_driver);
	if (err) {
		esim_debugfs_exit();
		esim_flow_table_module_exit();
	}
	return err;
}

static void __exit esim_exit(void)
{
	pci_unregister_driver(&esim_pci_driver);
	esim_debugfs_exit();
	esim_flow_table_module_exit();
}

module_init(esim_init);
module_exit(esim_exit);

MODULE_DESCRIPTION("Virtual SR-IOV NIC with an embedded switch and TC flower offload");
MODULE_AUTHOR("The eswitch authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(ESIM_FW_VERSION);
