// SPDX-License-Identifier: GPL-2.0
/* Ports of the e-switch and their counters. */
#include <linux/netdevice.h>

#include "context.h"
#include "port.h"

int esim_port_init(struct esim_port *port, struct esim_nic *nic, u16 vport)
{
	port->nic = nic;
	port->vport = vport;
	port->counters = netdev_alloc_pcpu_stats(struct esim_counters);
	return port->counters ? 0 : -ENOMEM;
}

void esim_port_free(struct esim_port *port)
{
	free_percpu(port->counters);
}

/* The data path. */
void esim_port_count(struct esim_port *port, enum esim_counter_id id,
		     const struct esim_size *size)
{
	struct esim_counters *counters = this_cpu_ptr(port->counters);

	esim_assert_bh_off();
	u64_stats_update_begin(&counters->syncp);
	u64_stats_add(&counters->c[id].packets, size->packets);
	u64_stats_add(&counters->c[id].bytes, size->bytes);
	u64_stats_update_end(&counters->syncp);
}

void esim_port_read(const struct esim_port *port, enum esim_counter_id id, struct esim_size *sum)
{
	int cpu;

	*sum = (struct esim_size) { };
	for_each_possible_cpu(cpu) {
		const struct esim_counters *counters = per_cpu_ptr(port->counters, cpu);
		u64 packets, bytes;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&counters->syncp);
			packets = u64_stats_read(&counters->c[id].packets);
			bytes = u64_stats_read(&counters->c[id].bytes);
		} while (u64_stats_fetch_retry(&counters->syncp, start));
		sum->packets += packets;
		sum->bytes += bytes;
	}
}
