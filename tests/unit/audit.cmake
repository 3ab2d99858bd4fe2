m4h_test(unit_audit_outbox SOURCES audit_outbox.c LINK audit LABELS unit)
