/* The settings of mas4hctl: what a user need not say each time. */
#ifndef M4H_CTL_CONFIG_H
#define M4H_CTL_CONFIG_H

#include "lib/config/config.h"

struct m4h_ctl_config {
    char *gateway_url;
    char *token_file;
    char *cacert;
    int64_t timeout_ms;
    char *ssh_user;
    char *ssh_identity;
    char *ssh_suffix;
    int color; /* enum m4h_ctl_color */
};

enum m4h_ctl_color {
    M4H_CTL_COLOR_AUTO,
    M4H_CTL_COLOR_ALWAYS,
    M4H_CTL_COLOR_NEVER,
};

extern const struct m4h_config_table m4h_ctl_config_table;

#endif
