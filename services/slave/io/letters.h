/* What the hub (the main loop) and the workers (their loops) tell each other.
 * Every letter is allocated by its sender and freed by its reader. */
#ifndef M4H_SLAVE_IO_LETTERS_H
#define M4H_SLAVE_IO_LETTERS_H

#include "lib/base/model.h"
#include "lib/net/mailbox.h"

/* A session's id says whose it is: the worker's index in the upper 16 bits. */
#define M4H_SESSION_WORKER_SHIFT 48

/* From a worker to the hub. */
enum m4h_report_kind {
    M4H_REPORT_KEY,     /* who is this? `as.key` is allocated, the hub frees it */
    M4H_REPORT_FORWARD, /* it asks for a port */
    M4H_REPORT_CANCEL,  /* it gave a port up; the listener is closed */
    M4H_REPORT_GONE,    /* a session whose key was asked about is over */
    M4H_REPORT_SIGN,    /* a device that was probed lives, or is silent */
    M4H_REPORT_LATE,    /* a listener came for a session that is gone; it is closed now */
    M4H_REPORT_REFUSED, /* something was refused, or a session ended before it was known */
};

struct m4h_worker_settings;

struct m4h_report {
    struct m4h_letter letter;
    enum m4h_report_kind kind;
    uint64_t session_id;
    union {
        struct m4h_key_question *key;
        struct {
            uint16_t port; /* 0: any */
        } forward;
        struct {
            uint16_t port;
        } cancel;
        struct {
            enum m4h_disconnect_reason reason;
            uint64_t bytes_from_device;
            uint64_t bytes_to_device;
            uint32_t listeners; /* that came for it, ever; more were given: M4H_REPORT_LATE */
        } gone;
        struct {
            bool alive;
        } sign;
        struct m4h_refuse *refused; /* allocated, the hub frees it */
    } as;
};

struct m4h_key_question {
    struct m4h_authorize_request request;
    char client_version[M4H_CLIENT_VERSION_MAX + 1];
};

/* From the hub to a worker. */
enum m4h_order_kind {
    M4H_ORDER_JUDGED,     /* the answer to a key */
    M4H_ORDER_REFUSED,    /* another answer to it: no key of the device would help */
    M4H_ORDER_FORWARDED,  /* the answer to a forward */
    M4H_ORDER_CLOSE,      /* end a session */
    M4H_ORDER_LEAVE,      /* end a session as soon as it has no operator */
    M4H_ORDER_PROBE,      /* find out whether a device that is up lives */
    M4H_ORDER_REFUSE_NEW, /* accept no more devices */
    M4H_ORDER_SETTINGS,   /* other settings from now on */
    M4H_ORDER_PULSE,      /* say that the loop turns */
    M4H_ORDER_QUIT,       /* end all sessions, and the loop */
};

struct m4h_order {
    struct m4h_letter letter;
    enum m4h_order_kind kind;
    uint64_t session_id;
    union {
        struct {
            bool allowed;
            char client_key[M4H_CLIENT_KEY_MAX + 1];
            struct m4h_device_limits *limits; /* allocated; NULL: none */
        } judged;
        enum m4h_refuse_reason refused;
        struct {
            int fd; /* listening, the worker owns it; -1: refused */
            uint16_t port;
        } forwarded;
        struct {
            enum m4h_disconnect_reason reason;
        } close;
        uint64_t pulse;
        struct m4h_worker_settings *settings; /* held by the letter, then by the worker */
    } as;
};

#endif
