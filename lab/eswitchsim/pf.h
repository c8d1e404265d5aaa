/* SPDX-License-Identifier: GPL-2.0 */
/* The physical function: a NIC comes and goes. */
#ifndef ESIM_PF_H
#define ESIM_PF_H

struct pci_dev;

int esim_pf_probe(struct pci_dev *pdev);
void esim_pf_remove(struct pci_dev *pdev);

#endif
