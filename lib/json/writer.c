/* JSON text, member after member. Knows no document. */
#include "lib/json/writer.h"

#include "lib/base/ident.h"
#include "lib/base/labels.h"
#include "lib/base/walltime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add(struct m4h_json_writer *writer, const char *text, size_t len)
{
    if (writer->error == 0)
        writer->error = m4h_buffer_add(writer->out, text, len);
}

void m4h_json_begin(struct m4h_json_writer *writer, struct m4h_buffer *out)
{
    writer->out = out;
    writer->start = out->len;
    writer->comma = false;
    writer->error = 0;
}

int m4h_json_finish(struct m4h_json_writer *writer)
{
    if (writer->error != 0)
        writer->out->len = writer->start;
    return writer->error;
}

static void write_escape(struct m4h_json_writer *writer, unsigned char byte)
{
    char escape[8];
    int len = byte == '"' || byte == '\\' ? snprintf(escape, sizeof(escape), "\\%c", byte)
                                          : snprintf(escape, sizeof(escape), "\\u%04x", byte);

    add(writer, escape, (size_t)len);
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
}

static void write_quoted(struct m4h_json_writer *writer, const char *value)
{
    size_t len = strlen(value), from = 0;
    bool checked = false, is_utf8 = false;

    add(writer, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)value[i];

        if (byte >= 0x80 && !checked) {
            is_utf8 = m4h_ident_text_is_valid(value, len);
            checked = true;
        }
        if (is_plain(byte) && (byte < 0x80 || is_utf8))
            continue;
        add(writer, value + from, i - from);
        if (byte >= 0x80)
            add(writer, "?", 1);
        else
            write_escape(writer, byte);
        from = i + 1;
    }
    add(writer, value + from, len - from);
    add(writer, "\"", 1);
}

/* What stands before a value. Names are ours: nothing in them needs escaping. */
static void write_name(struct m4h_json_writer *writer, const char *name)
{
    if (writer->comma)
        add(writer, ",", 1);
    writer->comma = true;
    if (name == NULL)
        return;
    add(writer, "\"", 1);
    add(writer, name, strlen(name));
    add(writer, "\":", 2);
}

void m4h_json_open(struct m4h_json_writer *writer, const char *name, char bracket)
{
    write_name(writer, name);
    add(writer, &bracket, 1);
    writer->comma = false;
}

void m4h_json_close(struct m4h_json_writer *writer, char bracket)
{
    add(writer, &bracket, 1);
    writer->comma = true;
}

void m4h_json_text(struct m4h_json_writer *writer, const char *name, const char *value)
{
    write_name(writer, name);
    write_quoted(writer, value);
}

void m4h_json_number(struct m4h_json_writer *writer, const char *name, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRIu64, value);

    write_name(writer, name);
    add(writer, text, (size_t)len);
}

void m4h_json_bool(struct m4h_json_writer *writer, const char *name, bool value)
{
    const char *text = value ? "true" : "false";

    write_name(writer, name);
    add(writer, text, strlen(text));
}

void m4h_json_null(struct m4h_json_writer *writer, const char *name)
{
    write_name(writer, name);
    add(writer, "null", 4);
}

void m4h_json_time(struct m4h_json_writer *writer, const char *name, uint64_t wall_ms)
{
    char text[M4H_WALLTIME_TEXT_MAX];

    if (wall_ms != 0) {
        m4h_json_text(writer, name, m4h_walltime_format(wall_ms, text));
        return;
    }
    m4h_json_null(writer, name);
}

void m4h_json_labels(struct m4h_json_writer *writer, const char *name, const char *labels)
{
    struct m4h_label label;

    m4h_json_open(writer, name, '{');
    while ((labels = m4h_labels_next(labels, &label)) != NULL)
        m4h_json_text(writer, label.name, label.value);
    m4h_json_close(writer, '}');
}
