m4h_test(unit_crypto_digest SOURCES crypto_digest.c LINK crypto LABELS unit)
