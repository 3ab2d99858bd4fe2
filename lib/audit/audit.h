/* What people and masters change, told on mas4h.v1.audit.{service} until the stream has it. On the
 * loop.
 *
 * Happy path: a record gets its id and the time, is published and acknowledged by JetStream. While
 * NATS is away, or has no stream, records wait, and are published again now and then: who listens
 * without a stream may hear one twice, with the same id. Where more wait than there is room for,
 * the oldest is lost; that is counted and logged. What was not acknowledged when the service ends
 * is lost with it, and logged. */
#ifndef M4H_AUDIT_AUDIT_H
#define M4H_AUDIT_AUDIT_H

#include "lib/base/attributes.h"
#include "lib/base/metrics.h"
#include "lib/base/model.h"
#include "lib/bus/bus.h"
#include "lib/net/loop.h"

struct m4h_audit;

/* `service_id` is borrowed for its life. M4H_ENOMEM. */
M4H_MUST_CHECK int m4h_audit_create(struct m4h_audit **audit, struct m4h_loop *loop,
                                    const char *service_id);
/* The bus, for its life: it ends before the bus. */
void m4h_audit_use(struct m4h_audit *audit, struct m4h_bus *bus);
/* Accepts NULL. */
void m4h_audit_destroy(struct m4h_audit *audit);

/* Fills record_id, time and service_id, splits an actor that a gateway wrote (lib/base/actor.h),
 * and tells it. A NULL `audit` is told nothing. */
void m4h_audit_tell(struct m4h_audit *audit, const struct m4h_audit_record *record);

/* To be called by the bus's callbacks of these names. */
void m4h_audit_connected(struct m4h_audit *audit, bool connected);
void m4h_audit_on_ack(struct m4h_audit *audit, uint64_t token, int error, const uint8_t *data,
                      size_t len);

/* `prefix` is "mas4h_master", say. */
void m4h_audit_write_metrics(const struct m4h_audit *audit, const char *prefix,
                             struct m4h_metrics *metrics);

#endif
