/* What each command does: asks the gateway and shows what it says. Private to services/ctl. */
#ifndef M4H_CTL_IO_COMMANDS_H
#define M4H_CTL_IO_COMMANDS_H

#include "services/ctl/io/session.h"

/* What is seen: look.c, lists.c */
enum m4h_ctl_exit m4h_ctl_status(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_slave(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_tunnel(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_slaves(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_tunnels(struct m4h_ctl_session *session);

/* What is done: operate.c */
enum m4h_ctl_exit m4h_ctl_slot(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_kick(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_drain(struct m4h_ctl_session *session);

/* What goes on: events.c, top.c */
enum m4h_ctl_exit m4h_ctl_events(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_audit(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_top(struct m4h_ctl_session *session);

/* Records and revocations: lists.c, records.c */
enum m4h_ctl_exit m4h_ctl_devices(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_pending(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_revocations(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_show(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_add(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_enable(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_disable(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_remove(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_approve(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_device_reject(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_revoke(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_lift(struct m4h_ctl_session *session);

/* Many records: import.c */
enum m4h_ctl_exit m4h_ctl_device_import(struct m4h_ctl_session *session);

/* The way to devices: ssh.c */
enum m4h_ctl_exit m4h_ctl_ssh(struct m4h_ctl_session *session);
enum m4h_ctl_exit m4h_ctl_ssh_settings(struct m4h_ctl_session *session);

/* Without a gateway: token.c */
enum m4h_ctl_exit m4h_ctl_token_new(struct m4h_ctl_session *session);

#endif
