/* lib/wire: all groups of tests but the one that lets memory run out. */
#include "tests/unit/wire_tests.h"

int main(void)
{
    return run_round_trip_tests() + run_refused_tests() + run_hostile_tests() + run_page_tests();
}
