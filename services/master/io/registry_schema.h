/* The tables of [registry] path. A record is the message mas4h.v1.Device, in the column `record`;
 * the other columns say the same to people and their tools, and nothing here reads them but
 * `stamp`. What is removed stays as a mark for 30 days.
 *
 * A migration that was ever released stays as it is: a change of tables is one more. */
#ifndef M4H_MASTER_IO_REGISTRY_SCHEMA_H
#define M4H_MASTER_IO_REGISTRY_SCHEMA_H

#include "lib/base/attributes.h"
#include "lib/store/store.h"

enum m4h_registry_statement {
    M4H_REGISTRY_PUT_DEVICE,
    M4H_REGISTRY_FORGET_DEVICE,
    M4H_REGISTRY_PUT_REVOCATION,
};

static const char *const m4h_registry_migrations[] = {
    "CREATE TABLE devices ("
    "  key_fingerprint TEXT PRIMARY KEY,"
    "  client_key TEXT NOT NULL,"
    "  operator TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  labels TEXT NOT NULL,"
    "  comment TEXT NOT NULL,"
    "  created_at_ms INTEGER NOT NULL,"
    "  expires_at_ms INTEGER," /* NULL: never */
    "  actor TEXT NOT NULL,"   /* of the last change */
    "  stamp INTEGER NOT NULL,"
    "  record BLOB NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE revocations ("
    "  name TEXT PRIMARY KEY," /* "key:SHA256:..." or "device:CLIENT_KEY" */
    "  banned INTEGER NOT NULL,"
    "  actor TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  stamp INTEGER NOT NULL,"
    "  record BLOB NOT NULL" /* mas4h.v1.Revoke */
    ") STRICT, WITHOUT ROWID;",
};

static const char *const m4h_registry_statements[] = {
    [M4H_REGISTRY_PUT_DEVICE] =
        "INSERT INTO devices (key_fingerprint, client_key, operator, state, labels, comment,"
        "  created_at_ms, expires_at_ms, actor, stamp, record)"
        "  VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?)"
        "  ON CONFLICT (key_fingerprint) DO UPDATE SET client_key = excluded.client_key,"
        "  operator = excluded.operator, state = excluded.state, labels = excluded.labels,"
        "  comment = excluded.comment, created_at_ms = excluded.created_at_ms,"
        "  expires_at_ms = excluded.expires_at_ms, actor = excluded.actor,"
        "  stamp = excluded.stamp, record = excluded.record WHERE excluded.stamp >= stamp",
    [M4H_REGISTRY_FORGET_DEVICE] = "DELETE FROM devices WHERE key_fingerprint = ?"
                                   "  AND state IN ('pending', 'removed')",
    [M4H_REGISTRY_PUT_REVOCATION] =
        "INSERT INTO revocations (name, banned, actor, reason, stamp, record)"
        "  VALUES (?, ?, ?, ?, ?, ?)"
        "  ON CONFLICT (name) DO UPDATE SET banned = excluded.banned, actor = excluded.actor,"
        "  reason = excluded.reason, stamp = excluded.stamp, record = excluded.record"
        "  WHERE excluded.stamp >= stamp",
};

static const struct m4h_store_schema m4h_registry_schema = {
    m4h_registry_migrations,
    M4H_COUNT(m4h_registry_migrations),
    m4h_registry_statements,
    M4H_COUNT(m4h_registry_statements),
};

#endif
