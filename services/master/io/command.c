/* The validator `command`: runs a program for each key, as sshd's AuthorizedKeysCommand.
 *
 * Happy path: the question is written to its standard input as a JSON document, and is in its
 * arguments, as they ask for it. It writes an answer, JSON as well or lines as in
 * authorized_keys, and exits with 0. A document is the verdict; of lines, the one with the key
 * lets it in with its options; nothing at all is UNKNOWN.
 *
 * Any other exit, a signal, more output than may be, or what is no answer has failed. So many run
 * at a time, others wait in line; a line that is full has failed at once. The chain counts the
 * time: what it gives up is taken out of the line, or killed with all that it has started, and
 * keeps its place among those that run until it is really gone. */
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/safe_path.h"
#include "lib/base/walltime.h"
#include "lib/net/child.h"
#include "services/master/core/authorized_keys.h"
#include "services/master/core/command_line.h"
#include "services/master/io/document.h"
#include "services/master/io/service.h"
#include "services/master/io/validators.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define LOG          "command"
#define OUTPUT_MAX   65536u
#define QUESTION_MAX 32768u

/* How runs ended. */
enum result {
    ANSWERED, /* with 0, whatever it said */
    EXITED,   /* with another code */
    KILLED,   /* by a signal that was not ours */
    OVERFLOWED,
    GIVEN_UP,
    NOT_STARTED,
    RESULTS,
};

struct run {
    struct command *command;
    struct run *prev, *next;           /* in the line, or among those that run */
    struct m4h_validation *validation; /* NULL: nobody waits for it any more */
    struct m4h_child *child;           /* NULL: it stands in line */
};

struct command {
    struct m4h_master *master; /* borrowed */
    struct m4h_command_line line;
    struct m4h_buffer question; /* for one at a time */
    struct run *waiting, *running;
    size_t waiting_count, running_count;
    uint64_t questions; /* so far: their numbers */
    uint64_t results[RESULTS];
};

static const struct m4h_command_settings *settings_of(const struct command *command)
{
    return &command->master->config->command;
}

/* ---- answers ----------------------------------------------------------------------- */

static void fail(struct m4h_validation *validation, const char *why)
{
    struct m4h_verdict verdict;

    m4h_verdict_set(&verdict, M4H_VERDICT_FAILED, why);
    m4h_validation_answer(validation, &verdict);
}

/* The first line with the key counts. One that cannot be read has failed: it may be that one. */
static void read_lines(struct m4h_verdict *verdict, const char *text, size_t len,
                       const struct m4h_authorize_request *request)
{
    const char *end = text + len;
    struct m4h_key_line line;
    char wrong[M4H_DETAIL_MAX];

    m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "the command names other keys");
    for (const char *next; text < end && verdict->kind == M4H_VERDICT_UNKNOWN; text = next) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        int error;

        next = newline != NULL ? newline + 1 : end;
        error = m4h_authorized_keys_read_line(
            &line, text, (size_t)((newline != NULL ? newline : end) - text), wrong, sizeof(wrong));
        if (error == 0 && !line.is_authority && line.blob_len == request->public_key_len &&
            memcmp(line.blob, request->public_key, line.blob_len) == 0)
            m4h_key_grant_judge(&line.grant, request, m4h_walltime_now_ms(), verdict);
        else if (error != 0 && error != M4H_ENOTFOUND)
            m4h_verdict_set(verdict, M4H_VERDICT_FAILED, wrong);
    }
}

static void read_output(struct m4h_verdict *verdict, const struct m4h_child_end *end,
                        const struct m4h_authorize_request *request)
{
    const char *text = (const char *)end->output;
    size_t blanks = 0;

    while (blanks < end->output_len && strchr(" \t\r\n", text[blanks]) != NULL)
        blanks++;
    if (blanks == end->output_len)
        m4h_verdict_set(verdict, M4H_VERDICT_UNKNOWN, "the command says nothing of the key");
    else if (text[blanks] == '{')
        m4h_document_read(verdict, end->output, end->output_len);
    else
        read_lines(verdict, text, end->output_len, request);
}

static enum result result_of(const struct run *run, const struct m4h_child_end *end)
{
    if (run->validation == NULL)
        return GIVEN_UP;
    if (end->has_overflowed)
        return OVERFLOWED;
    if (!end->has_exited)
        return KILLED;
    return end->code == 0 ? ANSWERED : EXITED;
}

static void read_end(struct m4h_verdict *verdict, enum result result,
                     const struct m4h_child_end *end, const struct m4h_authorize_request *request)
{
    char detail[M4H_DETAIL_MAX + 1];

    if (result == ANSWERED) {
        read_output(verdict, end, request);
        return;
    }
    if (result == OVERFLOWED)
        snprintf(detail, sizeof(detail), "it wrote more than %u bytes", OUTPUT_MAX);
    else
        snprintf(detail, sizeof(detail), "%s %d: %.*s",
                 result == EXITED ? "it ended with the code" : "it was ended by the signal",
                 end->code, (int)strcspn(end->errors, "?\n"), end->errors);
    m4h_verdict_set(verdict, M4H_VERDICT_FAILED, detail);
}

/* ---- runs ------------------------------------------------------------------------------ */

static void run_next(struct command *command);

static void on_end(void *context, const struct m4h_child_end *end)
{
    struct run *run = context;
    struct command *command = run->command;
    struct m4h_validation *validation = run->validation;
    enum result result = result_of(run, end);
    struct m4h_verdict verdict;

    command->results[result]++;
    DL_DELETE(command->running, run);
    command->running_count--;
    free(run);
    if (validation != NULL)
        read_end(&verdict, result, end, validation->request);
    run_next(command);
    if (validation != NULL)
        m4h_validation_answer(validation, &verdict);
}

static int start(struct command *command, struct run *run)
{
    static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                              NULL};
    const struct m4h_command_settings *settings = settings_of(command);
    const struct m4h_authorize_request *request = run->validation->request;
    struct m4h_command_arguments arguments;
    char wrong[M4H_DETAIL_MAX];
    int error = m4h_safe_path_check(command->line.words[0], wrong, sizeof(wrong));

    m4h_buffer_clear(&command->question);
    if (error == 0)
        error = m4h_command_line_expand(&command->line, request, &arguments);
    if (error == 0)
        error = m4h_document_write(&command->question, command->master->config->id, "command",
                                   ++command->questions, request);
    if (error != 0)
        return error;
    return m4h_child_start(&run->child, command->master->loop,
                           &(struct m4h_child_config){
                               .argv = arguments.list,
                               .environment = environment,
                               .input = command->question.data,
                               .input_len = command->question.len,
                               .output_max = OUTPUT_MAX,
                               .memory_bytes = (uint64_t)settings->memory_bytes,
                               .cpu_s = (uint64_t)(settings->cpu_ms + 999) / 1000,
                               .open_files = (uint64_t)settings->open_files,
                           },
                           on_end, run);
}

/* Starts it, or has failed. */
static void begin(struct command *command, struct run *run)
{
    struct m4h_validation *validation = run->validation;
    int error = start(command, run);

    if (error == 0) {
        DL_APPEND(command->running, run);
        command->running_count++;
        return;
    }
    command->results[NOT_STARTED]++;
    free(run);
    fail(validation, error == M4H_ESYSTEM ? strerror(errno) : m4h_error_text(error));
}

static void run_next(struct command *command)
{
    while (command->waiting != NULL &&
           command->running_count < (size_t)settings_of(command)->processes_max) {
        struct run *run = command->waiting;

        DL_DELETE(command->waiting, run);
        command->waiting_count--;
        begin(command, run);
    }
}

static void ask(void *self, struct m4h_validation *validation)
{
    struct command *command = self;
    const struct m4h_command_settings *settings = settings_of(command);
    bool has_place = command->running_count < (size_t)settings->processes_max;
    struct run *run;

    if (!has_place && command->waiting_count >= (size_t)settings->queue_max) {
        fail(validation, "too many keys wait for it");
        return;
    }
    run = calloc(1, sizeof(*run));
    if (run == NULL) {
        fail(validation, m4h_error_text(M4H_ENOMEM));
        return;
    }
    run->command = command;
    run->validation = validation;
    validation->own = run;
    if (has_place) {
        begin(command, run);
    } else {
        DL_APPEND(command->waiting, run);
        command->waiting_count++;
    }
}

static void cancel(void *self, struct m4h_validation *validation)
{
    struct command *command = self;
    struct run *run = validation->own;

    run->validation = NULL;
    if (run->child != NULL) {
        m4h_child_kill(run->child);
        return;
    }
    DL_DELETE(command->waiting, run);
    command->waiting_count--;
    command->results[GIVEN_UP]++;
    free(run);
}

/* ---- life ------------------------------------------------------------------------------ */

static int create(void **self, struct m4h_master *master)
{
    struct command *command = calloc(1, sizeof(*command));
    char wrong[M4H_DETAIL_MAX] = "out of memory";
    int error;

    *self = NULL;
    if (command == NULL)
        return M4H_ENOMEM;
    command->master = master;
    command->question = (struct m4h_buffer)M4H_BUFFER_INIT(QUESTION_MAX);
    error = m4h_command_line_parse(&command->line, master->config->command.program, wrong,
                                   sizeof(wrong));
    if (error == 0)
        error = m4h_safe_path_check(command->line.words[0], wrong, sizeof(wrong));
    if (error != 0) {
        m4h_log(M4H_LOG_ERROR, LOG, "[command] program: %s", wrong);
        m4h_command_line_free(&command->line);
        free(command);
        return error;
    }
    *self = command;
    return 0;
}

/* All has been cancelled: who still runs is being killed. */
static void destroy(void *self)
{
    struct command *command = self;
    struct run *run, *next;

    if (command == NULL)
        return;
    DL_FOREACH_SAFE(command->running, run, next)
    {
        m4h_child_close(run->child);
        free(run);
    }
    m4h_command_line_free(&command->line);
    m4h_buffer_free(&command->question);
    free(command);
}

static const struct m4h_validator_settings *settings(const struct m4h_master_config *config)
{
    return &config->command.validator;
}

static void write_metrics(const void *self, struct m4h_metrics *metrics)
{
    static const char runs[] = "mas4h_master_command_runs_total";
    static const char *const names[RESULTS] = {"answer", "exit",     "signal",
                                               "output", "given_up", "not_started"};
    const struct command *command = self;

    m4h_metrics_describe(metrics, runs, "counter", "Runs of the command, by how they ended.");
    for (size_t i = 0; i < RESULTS; i++)
        m4h_metrics_value(metrics, runs, &(struct m4h_metric_label){"result", names[i]}, 1,
                          (double)command->results[i]);
    m4h_metrics_single(metrics, "mas4h_master_command_running", "gauge",
                       "Runs of the command under way.", (double)command->running_count);
    m4h_metrics_single(metrics, "mas4h_master_command_queued", "gauge",
                       "Keys that wait for a run of the command.", (double)command->waiting_count);
}

const struct m4h_validator_type m4h_validator_command = {
    .name = "command",
    .is_kept = true,
    .heeds_address = true,
    .heeds_username = true,
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .cancel = cancel,
    .write_metrics = write_metrics,
    .settings = settings,
};
