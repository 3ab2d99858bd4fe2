/* Writes a problem as a member or a document. Private to lib/json. */
#ifndef M4H_JSON_PROBLEM_H
#define M4H_JSON_PROBLEM_H

#include "lib/json/json.h"
#include "lib/json/writer.h"

void m4h_json_write_problem(struct m4h_json_writer *writer, const char *name,
                            const struct m4h_json_problem *problem);

#endif
