/* Requests about the masters' own records: list, get, put and remove. */
#include "lib/base/error.h"
#include "lib/wire/wire.h"
#include "services/master/io/records.h"
#include "services/master/io/service.h"

#include <stdlib.h>

/* Of what is packed, in a page: more would not fit into an answer. */
#define PAGE_BYTES 200000u

static void list(struct m4h_master *master, const struct m4h_devices_request *request,
                 struct m4h_device_record *page, size_t *count, char token[M4H_PAGE_TOKEN_MAX + 1])
{
    const struct m4h_registry_entry *entries[M4H_DEVICES_PAGE_MAX];
    size_t found = m4h_registry_page(m4h_records_registry(master->records), request, PAGE_BYTES,
                                     entries, token);

    for (size_t i = 0; i < found; i++)
        *count += m4h_records_unpack(entries[i], &page[*count]);
}

void m4h_master_on_devices_list(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    struct m4h_device_record *page = calloc(M4H_DEVICES_PAGE_MAX, sizeof(*page));
    char token[M4H_PAGE_TOKEN_MAX + 1] = "";
    struct m4h_devices_request request;
    struct m4h_problem problem = {0};
    size_t count = 0;

    if (page == NULL)
        m4h_problem_set(&problem, M4H_PROBLEM_INTERNAL, m4h_error_text(M4H_ENOMEM));
    else if (m4h_wire_devices_request_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a request for records of devices");
    else
        list(master, &request, page, &count, token);
    m4h_master_answer(master, message, M4H_MASTER_DEVICES,
                      m4h_wire_devices_reply_encode(page, count, token, &problem, &master->out));
    free(page);
}

void m4h_master_on_device_get(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;
    const struct m4h_registry_entry *entry = NULL;
    struct m4h_device_request request;
    struct m4h_device_record record;
    struct m4h_problem problem = {0};

    if (m4h_wire_device_get_decode(message->data, message->len, &request) != 0)
        m4h_problem_set(&problem, M4H_PROBLEM_INVALID, "not a request for a record");
    else
        entry = m4h_records_named(master->records, request.name, &problem);
    if (entry != NULL && !m4h_records_unpack(entry, &record))
        m4h_problem_set(&problem, M4H_PROBLEM_INTERNAL, "the record cannot be read");
    m4h_master_answer(master, message, M4H_MASTER_DEVICES,
                      m4h_wire_device_reply_encode(&record, &problem, &master->out));
}

void m4h_master_on_device_put(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;

    if (m4h_bus_is_request(message))
        m4h_records_change(master->records, M4H_CHANGE_PUT, message);
}

void m4h_master_on_device_remove(void *context, const struct m4h_bus_message *message)
{
    struct m4h_master *master = context;

    if (m4h_bus_is_request(message))
        m4h_records_change(master->records, M4H_CHANGE_REMOVE, message);
}
