/* The groups of tests of unit_wire; each returns how many failed. */
#ifndef M4H_TESTS_UNIT_WIRE_TESTS_H
#define M4H_TESTS_UNIT_WIRE_TESTS_H

int run_round_trip_tests(void);
int run_refused_tests(void);
int run_hostile_tests(void);
int run_page_tests(void);

#endif
