/* A JetStream stream of events: what is wished for, or what is there. Plain structs. */
#ifndef M4H_BASE_EVENT_STREAM_H
#define M4H_BASE_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M4H_STREAM_NAME_MAX     128
#define M4H_STREAM_SUBJECT_MAX  127
#define M4H_STREAM_API_MAX      79
#define M4H_STREAM_SUBJECTS_MAX 16
#define M4H_STREAM_SOURCES_MAX  32

/* Another stream that this one copies. */
struct m4h_stream_source {
    char name[M4H_STREAM_NAME_MAX + 1];
    char api[M4H_STREAM_API_MAX + 1]; /* of its JetStream: "$JS.eu.API"; "": the same one */
};

struct m4h_event_stream {
    char name[M4H_STREAM_NAME_MAX + 1];
    char subjects[M4H_STREAM_SUBJECTS_MAX][M4H_STREAM_SUBJECT_MAX + 1];
    size_t subject_count;
    struct m4h_stream_source sources[M4H_STREAM_SOURCES_MAX];
    size_t source_count;
    bool is_cut; /* there are more subjects or sources, or longer ones, than fit here */
    bool is_in_memory;
    uint64_t replicas;
    uint64_t max_age_ms; /* 0: for ever */
    int64_t max_bytes;   /* -1: no limit */
    uint64_t duplicate_window_ms;
};

/* How one that is there does. */
struct m4h_event_stream_state {
    uint64_t messages, bytes, last_seq;
    struct {
        char name[M4H_STREAM_NAME_MAX + 1];
        uint64_t lag;       /* messages that it has and this stream has not */
        uint64_t silent_ms; /* since it was heard; UINT64_MAX: never */
    } sources[M4H_STREAM_SOURCES_MAX];
    size_t source_count;
};

#endif
