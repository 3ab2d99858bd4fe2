/* What people see of a cluster: its documents as tables and sentences. Pure; the
 * wall clock is an argument. */
#ifndef M4H_CTL_CORE_VIEWS_H
#define M4H_CTL_CORE_VIEWS_H

#include "lib/base/model.h"
#include "services/ctl/core/table.h"

void m4h_ctl_view_status(struct m4h_ctl_page *page, const struct m4h_cluster_status *cluster,
                         const struct m4h_region_status *regions, size_t region_count,
                         uint64_t wall_ms);

/* Lists: begin the table, add rows, write it. */
void m4h_ctl_view_slaves(struct m4h_ctl_table *table);
void m4h_ctl_view_slaves_row(struct m4h_ctl_table *table, const struct m4h_slave_status *slave,
                             uint64_t wall_ms);
void m4h_ctl_view_tunnels(struct m4h_ctl_table *table);
void m4h_ctl_view_tunnels_row(struct m4h_ctl_table *table, const struct m4h_tunnel_status *tunnel,
                              uint64_t wall_ms);

void m4h_ctl_view_slave(struct m4h_ctl_page *page, const struct m4h_slave_status *slave,
                        uint64_t wall_ms);
void m4h_ctl_view_tunnel(struct m4h_ctl_page *page, const struct m4h_tunnel_status *tunnel,
                         uint64_t wall_ms);
void m4h_ctl_view_slot(struct m4h_ctl_page *page, const struct m4h_slot *slot, uint64_t wall_ms);

void m4h_ctl_view_devices(struct m4h_ctl_table *table);
void m4h_ctl_view_devices_row(struct m4h_ctl_table *table, const struct m4h_device_record *device,
                              uint64_t wall_ms);
void m4h_ctl_view_pending(struct m4h_ctl_table *table);
void m4h_ctl_view_pending_row(struct m4h_ctl_table *table, const struct m4h_device_record *device,
                              uint64_t wall_ms);
void m4h_ctl_view_device(struct m4h_ctl_page *page, const struct m4h_device_record *device);
void m4h_ctl_view_revocations(struct m4h_ctl_table *table);
void m4h_ctl_view_revocations_row(struct m4h_ctl_table *table, const char *name,
                                  const struct m4h_revoke *revoke, uint64_t wall_ms);

/* One line. */
void m4h_ctl_view_event(struct m4h_ctl_page *page, const struct m4h_event *event);
void m4h_ctl_view_audit(struct m4h_ctl_page *page, const struct m4h_audit_record *entry);

/* How a state looks. */
enum m4h_ctl_style m4h_ctl_style_of_state(enum m4h_slave_state state);
/* How full looks. */
enum m4h_ctl_style m4h_ctl_style_of_load(uint64_t part, uint64_t whole);

#endif
