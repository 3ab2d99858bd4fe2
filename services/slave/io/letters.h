/* What the hub (the main loop) and the workers (their loops) tell each other.
 * Every letter is allocated by its sender and freed by its reader. */
#ifndef M4H_SLAVE_IO_LETTERS_H
#define M4H_SLAVE_IO_LETTERS_H

#include "lib/base/model.h"
#include "lib/net/mailbox.h"
#include "services/slave/io/hops.h"

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
    M4H_REPORT_VISIT,   /* a visitor asks for a device; `as.visit` is allocated, the hub frees it */
    M4H_REPORT_REACHED, /* a device's end of a visit is open, or is not to be had */
    M4H_REPORT_HOPPED,  /* how it went with a visit's way to another slave */
    M4H_REPORT_VISIT_OVER, /* a visit ended at its visitor's side */
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
        struct m4h_visit_question *visit;
        struct {
            uint64_t visit_id;
            bool reached;
        } reached;
        struct {
            uint64_t visit_id;
            enum m4h_hop_result result;
        } hopped;
        struct {
            uint64_t visit_id;
            uint64_t bytes_from_device;
            uint64_t bytes_to_device;
        } over;
    } as;
};

struct m4h_key_question {
    struct m4h_authorize_request request;
    uint64_t asked_stamp; /* the hub's: when a master was asked last, */
    uint64_t asked_seen;  /* and how often the set of revocations had changed by then */
    char client_version[M4H_CLIENT_VERSION_MAX + 1];
};

/* A visit's id is unique in a slave's life; its visitor's worker is in it as in a session's. */
struct m4h_visit_question {
    uint64_t visit_id;
    char client_key[M4H_CLIENT_KEY_MAX + 1]; /* untrusted bytes */
    uint16_t port;
    char originator[M4H_ADDRESS_TEXT_MAX]; /* a host, as the visitor says; untrusted */
    uint16_t originator_port;
};

/* Whose session it is, by its key. */
enum m4h_role {
    M4H_ROLE_DEVICE,
    M4H_ROLE_OPERATOR,
    M4H_ROLE_HOP, /* another slave's, for its operators */
};

/* From the hub to a worker. */
enum m4h_order_kind {
    M4H_ORDER_JUDGED,     /* the answer to a key */
    M4H_ORDER_REFUSED,    /* another answer to it: no key of the device would help */
    M4H_ORDER_FORWARDED,  /* the answer to a forward */
    M4H_ORDER_CLOSE,      /* end a session */
    M4H_ORDER_LEAVE,      /* end a session as soon as it has no operator */
    M4H_ORDER_VISIT,      /* a visit to a device: open a channel, and say how it went */
    M4H_ORDER_REACHED,    /* to a visitor: the device is there */
    M4H_ORDER_UNREACHED,  /* to a visitor: it is not, and why */
    M4H_ORDER_PROBE,      /* find out whether a device that is up lives */
    M4H_ORDER_REFUSE_NEW, /* accept no more devices */
    M4H_ORDER_SETTINGS,   /* other settings from now on */
    M4H_ORDER_HOP,        /* carry a visit to another slave, and say how it went */
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
            enum m4h_role role;
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
        struct {
            uint64_t visit_id;
            int fd; /* connected to the visitor's side, the worker owns it */
            uint16_t port;
            char peer[M4H_ADDRESS_TEXT_MAX]; /* the operator */
        } visit;
        struct {
            uint64_t visit_id;
            int fd; /* connected to the device's side, the worker owns it */
        } reached;
        struct {
            uint64_t visit_id;
            uint32_t reason; /* enum m4h_ssh_open_refusal */
            char text[M4H_DETAIL_MAX + 1];
        } unreached;
        struct m4h_hop_request *hop; /* allocated, the worker frees it */
        uint64_t pulse;
        struct m4h_worker_settings *settings; /* held by the letter, then by the worker */
    } as;
};

#endif
