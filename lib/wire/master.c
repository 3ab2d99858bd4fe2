/* What masters tell one another: MasterHello and Reservations. */
#include "lib/base/error.h"
#include "lib/wire/codec.h"
#include "lib/wire/field.h"
#include "lib/wire/wire.h"
#include "mas4h/v1/master.pb-c.h"

#include <stdlib.h>

/* ---- hello ------------------------------------------------------------------- */

int m4h_wire_hello_encode(const struct m4h_master_hello *hello, struct m4h_buffer *out)
{
    Mas4h__V1__MasterHello message = MAS4H__V1__MASTER_HELLO__INIT;
    Google__Protobuf__Timestamp started_at;

    m4h_wire_write_time(&started_at, hello->started_wall_ms);
    message.master_id = m4h_wire_borrow(hello->master_id);
    message.version = m4h_wire_borrow(hello->version);
    message.started_at = &started_at;
    message.stopping = hello->stopping;
    message.instance = hello->instance;
    message.learning = hello->learning;
    message.revocations_digest = hello->revocations_digest;
    message.devices_digest = hello->devices_digest;
    message.validators_ms = hello->validators_ms;
    return m4h_wire_pack(&message.base, out);
}

static bool read_hello(const Mas4h__V1__MasterHello *message, struct m4h_master_hello *out)
{
    out->stopping = message->stopping;
    out->instance = message->instance;
    out->learning = message->learning;
    out->revocations_digest = message->revocations_digest;
    out->devices_digest = message->devices_digest;
    out->validators_ms = message->validators_ms;
    return message->instance != 0 && m4h_wire_read_id(message->master_id, out->master_id) &&
           m4h_wire_read_text(message->version, out->version, sizeof(out->version)) &&
           m4h_wire_read_time(message->started_at, &out->started_wall_ms);
}

int m4h_wire_hello_decode(const uint8_t *data, size_t len, struct m4h_master_hello *out)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__master_hello__descriptor, M4H_WIRE_SMALL_MAX,
                                data, len);

    if (error == 0 && !read_hello(arena.message, out))
        error = M4H_EPROTOCOL;
    m4h_wire_release(&arena);
    return error;
}

/* ---- reservations ------------------------------------------------------------ */

static void write_reservations(Mas4h__V1__Reservation *messages, Mas4h__V1__Reservation **pointers,
                               const struct m4h_shared_reservation *reservations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mas4h__v1__reservation__init(&messages[i]);
        messages[i].slave_id = m4h_wire_borrow(reservations[i].slave_id);
        messages[i].client_key = m4h_wire_borrow(reservations[i].client_key);
        messages[i].remaining_ms = reservations[i].remaining_ms;
        pointers[i] = &messages[i];
    }
}

int m4h_wire_reservations_encode(const char *master_id, uint64_t instance,
                                 const struct m4h_shared_reservation *reservations, size_t count,
                                 struct m4h_buffer *out)
{
    Mas4h__V1__Reservations message = MAS4H__V1__RESERVATIONS__INIT;
    Mas4h__V1__Reservation messages[M4H_SHARED_RESERVATIONS_MAX];
    Mas4h__V1__Reservation *pointers[M4H_SHARED_RESERVATIONS_MAX];

    if (count > M4H_SHARED_RESERVATIONS_MAX)
        return M4H_ETOOBIG;
    write_reservations(messages, pointers, reservations, count);
    message.master_id = m4h_wire_borrow(master_id);
    message.instance = instance;
    message.n_reservations = count;
    message.reservations = pointers;
    return m4h_wire_pack(&message.base, out);
}

static bool read_reservation(const Mas4h__V1__Reservation *message,
                             struct m4h_shared_reservation *out)
{
    out->remaining_ms = message->remaining_ms;
    return (message->slave_id[0] != '\0' || message->client_key[0] != '\0') &&
           m4h_wire_read_id_maybe(message->slave_id, out->slave_id) &&
           m4h_wire_read_client_key_maybe(message->client_key, out->client_key);
}

static int read_reservations(const Mas4h__V1__Reservations *message,
                             struct m4h_shared_reservation **reservations, size_t *count)
{
    struct m4h_shared_reservation *read;

    if (message->n_reservations > M4H_SHARED_RESERVATIONS_MAX)
        return M4H_EPROTOCOL;
    if (message->n_reservations == 0)
        return 0;
    read = calloc(message->n_reservations, sizeof(*read));
    if (read == NULL)
        return M4H_ENOMEM;
    for (size_t i = 0; i < message->n_reservations; i++) {
        if (!read_reservation(message->reservations[i], &read[i])) {
            free(read);
            return M4H_EPROTOCOL;
        }
    }
    *reservations = read;
    *count = message->n_reservations;
    return 0;
}

int m4h_wire_reservations_decode(const uint8_t *data, size_t len, char master_id[M4H_ID_MAX + 1],
                                 uint64_t *instance, struct m4h_shared_reservation **reservations,
                                 size_t *count)
{
    struct m4h_wire_arena arena;
    int error = m4h_wire_unpack(&arena, &mas4h__v1__reservations__descriptor, M4H_WIRE_MESSAGE_MAX,
                                data, len);
    const Mas4h__V1__Reservations *message = arena.message;

    *reservations = NULL;
    *count = 0;
    if (error == 0 && (message->instance == 0 || !m4h_wire_read_id(message->master_id, master_id)))
        error = M4H_EPROTOCOL;
    if (error == 0) {
        *instance = message->instance;
        error = read_reservations(message, reservations, count);
    }
    m4h_wire_release(&arena);
    return error;
}
