/* Models in which every field is set, and as long as it may be. What is between
 * the fields is zero, so that two of them may be compared byte by byte. */
#ifndef M4H_TESTS_UNIT_WIRE_MODELS_H
#define M4H_TESTS_UNIT_WIRE_MODELS_H

#include "lib/base/model.h"

#include <stddef.h>

void full_tunnel(struct m4h_tunnel *tunnel);
void full_info(struct m4h_slave_info *info);
void full_event(struct m4h_event *event, enum m4h_event_type type);
void full_problem(struct m4h_problem *problem);
void full_slot(struct m4h_slot *slot);
void full_dispatch_request(struct m4h_dispatch_request *request);
void full_drain_notice(struct m4h_drain_notice *notice);
void full_authorize_request(struct m4h_authorize_request *request);
void full_allow(struct m4h_authorize_reply *reply);
/* The same of an operator's key, and of a slave's. */
void full_allow_operator(struct m4h_authorize_reply *reply);
void full_allow_slave(struct m4h_authorize_reply *reply);
void full_deny(struct m4h_authorize_reply *reply);
void full_cluster(struct m4h_cluster_status *cluster);
void full_hello(struct m4h_master_hello *hello);
void full_reservation(struct m4h_shared_reservation *reservation);
void full_region(struct m4h_region_status *region);
void full_slave_status(struct m4h_slave_status *status);
void full_tunnel_status(struct m4h_tunnel_status *status);
void full_page_request(struct m4h_page_request *request);
void full_kick_request(struct m4h_kick_request *request);
void full_drain_request(struct m4h_drain_request *request);
void full_snapshot_page(struct m4h_snapshot_page *page);
void full_locate_request(struct m4h_locate_request *request);
void full_located(struct m4h_located *located);
void full_revoke(struct m4h_revoke *revoke);
void full_revoke_request(struct m4h_revoke_request *request);
void full_revocations_request(struct m4h_revocations_request *request);
/* No real one is a device's and an operator's. */
void full_device(struct m4h_device_record *device);
void full_devices_request(struct m4h_devices_request *request);
void full_device_request(struct m4h_device_request *request);
void full_device_put(struct m4h_device_put *put);
void full_device_put_line(struct m4h_device_put *put);
void full_audit_record(struct m4h_audit_record *record);

#endif
