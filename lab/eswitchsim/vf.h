/* SPDX-License-Identifier: GPL-2.0 */
/* A virtual function bound to this driver on the host. */
#ifndef ESIM_VF_H
#define ESIM_VF_H

struct esim_nic;
struct pci_dev;

int esim_vf_probe(struct pci_dev *pdev);
void esim_vf_remove(struct pci_dev *pdev);
void esim_vf_detach_all(struct esim_nic *nic);

#endif
