/* From the command line to the command. */
#include "services/ctl/ctl.h"

#include "services/ctl/io/commands.h"

static const struct {
    enum m4h_ctl_exit (*run)(struct m4h_ctl_session *session);
    bool asks; /* a gateway */
} commands[] = {
    [M4H_CTL_STATUS] = {m4h_ctl_status, true},
    [M4H_CTL_SLAVES] = {m4h_ctl_slaves, true},
    [M4H_CTL_SLAVE] = {m4h_ctl_slave, true},
    [M4H_CTL_TUNNELS] = {m4h_ctl_tunnels, true},
    [M4H_CTL_TUNNEL] = {m4h_ctl_tunnel, true},
    [M4H_CTL_SLOT] = {m4h_ctl_slot, true},
    [M4H_CTL_KICK] = {m4h_ctl_kick, true},
    [M4H_CTL_DRAIN] = {m4h_ctl_drain, true},
    [M4H_CTL_EVENTS] = {m4h_ctl_events, true},
    [M4H_CTL_AUDIT] = {m4h_ctl_audit, true},
    [M4H_CTL_TOP] = {m4h_ctl_top, true},
    [M4H_CTL_TOKEN_NEW] = {m4h_ctl_token_new, false},
    [M4H_CTL_SSH] = {m4h_ctl_ssh, true},
    [M4H_CTL_DEVICE_LIST] = {m4h_ctl_devices, true},
    [M4H_CTL_DEVICE_PENDING] = {m4h_ctl_pending, true},
    [M4H_CTL_REVOCATIONS] = {m4h_ctl_revocations, true},
    [M4H_CTL_REVOKE] = {m4h_ctl_revoke, true},
    [M4H_CTL_LIFT] = {m4h_ctl_lift, true},
    [M4H_CTL_DEVICE_SHOW] = {m4h_ctl_device_show, true},
    [M4H_CTL_DEVICE_ADD] = {m4h_ctl_device_add, true},
    [M4H_CTL_DEVICE_IMPORT] = {m4h_ctl_device_import, true},
    [M4H_CTL_DEVICE_ENABLE] = {m4h_ctl_device_enable, true},
    [M4H_CTL_DEVICE_DISABLE] = {m4h_ctl_device_disable, true},
    [M4H_CTL_DEVICE_REMOVE] = {m4h_ctl_device_remove, true},
    [M4H_CTL_DEVICE_APPROVE] = {m4h_ctl_device_approve, true},
    [M4H_CTL_DEVICE_REJECT] = {m4h_ctl_device_reject, true},
    [M4H_CTL_SSH_CONFIG] = {m4h_ctl_ssh_settings, true},
};

int m4h_ctl_run(int argc, char *const *argv)
{
    struct m4h_ctl_session session;
    bool is_over;
    enum m4h_ctl_exit exit_code = m4h_ctl_session_open(&session, argc, argv, &is_over);

    if (exit_code == M4H_CTL_DONE && !is_over) {
        if (commands[session.arguments.command].asks)
            exit_code = m4h_ctl_session_connect(&session);
        if (exit_code == M4H_CTL_DONE)
            exit_code = commands[session.arguments.command].run(&session);
    }
    m4h_ctl_session_close(&session);
    return (int)exit_code;
}
