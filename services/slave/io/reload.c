/* The configuration, read again: at SIGHUP, or when the file has changed. What a reload
 * takes over is handed on here, to the hub's parts and by letters to the workers; no
 * tunnel and no operator notices but by the new limits. */
#include "services/slave/io/hub.h"

#include "lib/base/error.h"

#include <assert.h>
#include <stdio.h>

static_assert(M4H_CONFIG_CHANGED_MAX <= M4H_RELOAD_SETTINGS_MAX,
              "an event has room for what a reload names");

static void hand_out_settings(struct m4h_slave *slave)
{
    struct m4h_worker_settings *settings;
    int error = m4h_worker_settings_create(&settings, slave->config);

    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, M4H_SLAVE_COMPONENT, "error=\"%s\" workers keep the old settings",
                m4h_error_text(error));
        return;
    }
    m4h_worker_settings_release(slave->settings);
    slave->settings = settings;
    for (uint32_t i = 0; i < slave->worker_count; i++)
        m4h_slave_order(slave,
                        &(struct m4h_order){.kind = M4H_ORDER_SETTINGS,
                                            .session_id = (uint64_t)i << M4H_SESSION_WORKER_SHIFT,
                                            .as.settings = m4h_worker_settings_hold(settings)});
}

static void apply(struct m4h_slave *slave)
{
    const struct m4h_slave_config *config = slave->config;
    const struct m4h_decisions_limits decisions = m4h_slave_decisions_limits(config);

    m4h_log_set_level((enum m4h_log_level)config->log_level);
    m4h_capacity_set(slave);
    m4h_decisions_set_limits(slave->decisions, &decisions);
    m4h_timer_start(slave->load_timer, (uint64_t)config->load_interval_ms,
                    (uint64_t)config->load_interval_ms);
    hand_out_settings(slave);
}

/* Where nothing has changed there is nothing to tell. */
static void tell(struct m4h_slave *slave, const char *cause, int error)
{
    const struct m4h_config_source *source = slave->source;
    struct m4h_event event = {.type = M4H_EVENT_RELOAD};
    struct m4h_reload *told = &event.as.reload;

    if (error == 0 && source->changed_count == 0)
        return;
    m4h_text_copy(told->actor, sizeof(told->actor), cause);
    if (error != 0)
        m4h_text_copy(told->error, sizeof(told->error), "not taken over: the old settings stay");
    for (unsigned i = 0; error == 0 && i < source->changed_count; i++)
        snprintf(told->settings[told->setting_count++], sizeof(told->settings[0]), "%s.%s",
                 source->changed[i]->section, source->changed[i]->key);
    m4h_publisher_send(slave, &event);
}

static void reload(struct m4h_slave *slave, const char *cause)
{
    unsigned changed;
    int error;

    if (slave->source == NULL) {
        m4h_log(M4H_LOG_WARNING, M4H_SLAVE_COMPONENT, "cause=%s nothing to read again", cause);
        return;
    }
    error = m4h_config_reload(slave->source, slave->config, &changed);
    tell(slave, cause, error);
    if (error != 0)
        return;
    if (changed > 0)
        apply(slave);
    m4h_log(M4H_LOG_INFO, M4H_SLAVE_COMPONENT, "cause=%s changed=%u configuration is reloaded",
            cause, changed);
}

void m4h_reload_run(struct m4h_slave *slave)
{
    m4h_supervisor_reloading(slave->supervisor);
    reload(slave, "SIGHUP");
    m4h_supervisor_ready(slave->supervisor);
}

void m4h_reload_look(struct m4h_slave *slave)
{
    if (slave->source != NULL && slave->config->watch_config &&
        m4h_config_source_has_changed(slave->source))
        reload(slave, "file");
}
