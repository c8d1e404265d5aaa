// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/eswitchsim/<PCI address>/: faults on request, and counters. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "debugfs.h"
#include "nic.h"

static struct dentry *esim_debugfs_root;

void esim_debugfs_init(void)
{
	esim_debugfs_root = debugfs_create_dir(ESIM_DRV_NAME, NULL);
}

void esim_debugfs_exit(void)
{
	debugfs_remove_recursive(esim_debugfs_root);
}

static void esim_show_port(struct seq_file *s, const char *name, const struct esim_port *port)
{
	struct esim_size size;
	int id;

	seq_puts(s, name);
	for (id = 0; id < ESIM_NUM_COUNTERS; id++) {
		esim_port_read(port, id, &size);
		seq_printf(s, " %llu %llu", size.packets, size.bytes);
	}
	seq_putc(s, '\n');
}

static int esim_counters_show(struct seq_file *s, void *unused)
{
	struct esim_nic *nic = s->private;
	unsigned int i, n = READ_ONCE(nic->num_vfs);
	char name[16];

	seq_puts(s, "port rx_packets rx_bytes tx_packets tx_bytes");
	seq_puts(s, " hw_rx_packets hw_rx_bytes hw_tx_packets hw_tx_bytes");
	seq_puts(s, " slow_rx_packets slow_rx_bytes slow_tx_packets slow_tx_bytes");
	seq_puts(s, " dropped_packets dropped_bytes\n");
	esim_show_port(s, "p0", &nic->uplink);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "vf%u", i);
		esim_show_port(s, name, &nic->vfs[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(esim_counters);

static int esim_rules_show(struct seq_file *s, void *unused)
{
	struct esim_nic *nic = s->private;

	esim_flow_table_show(&nic->table, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(esim_rules);

void esim_debugfs_add(struct esim_nic *nic)
{
	struct esim_faults *faults = &nic->faults;
	struct dentry *dir;

	dir = debugfs_create_dir(pci_name(nic->pdev), esim_debugfs_root);
	debugfs_create_u32("fail_sriov", 0600, dir, &faults->fail_sriov);
	debugfs_create_u32("max_vfs_created", 0600, dir, &faults->max_vfs_created);
	debugfs_create_u32("sriov_delay_ms", 0600, dir, &faults->sriov_delay_ms);
	debugfs_create_u32("refuse_flows", 0600, dir, &faults->refuse_flows);
	debugfs_create_u32("max_flows", 0600, dir, &faults->max_flows);
	debugfs_create_u32("fail_mode", 0600, dir, &faults->fail_mode);
	debugfs_create_u32("fail_reps", 0600, dir, &faults->fail_reps);
	debugfs_create_file("counters", 0400, dir, nic, &esim_counters_fops);
	debugfs_create_file("rules", 0400, dir, nic, &esim_rules_fops);
	nic->debugfs = dir;
}

void esim_debugfs_del(struct esim_nic *nic)
{
	debugfs_remove_recursive(nic->debugfs);
}
