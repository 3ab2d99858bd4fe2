/* A token bucket. */
#include "services/slave/core/rate.h"

/* Tokens are thousandths of bytes, so that a millisecond adds whole ones. */
#define UNIT 1000
/* Of a limit's second, what the bucket holds and what is worth a write. */
#define BURST_PART      10u
#define BURST_MIN_BYTES 16384u
#define PIECE_PART      40u
#define PIECE_MAX_BYTES 4096u
/* No bucket needs longer to fill; more would overflow. */
#define FILL_MAX_MS 3600000u
/* What goes beyond the limit all at once holds up what follows for no longer. */
#define DEBT_MAX_MS 5000u
/* Above it there is no limit that anybody could reach. */
#define RATE_MAX (1ull << 40)

size_t m4h_rate_left(struct m4h_rate *rate, uint64_t bytes_per_second, uint64_t now_ms)
{
    uint64_t burst = bytes_per_second / BURST_PART;
    uint64_t piece = bytes_per_second / PIECE_PART;
    uint64_t passed_ms = now_ms - rate->filled_ms;

    rate->is_unlimited = bytes_per_second == 0 || bytes_per_second > RATE_MAX;
    if (rate->is_unlimited) {
        rate->tokens = 0;
        rate->filled_ms = now_ms;
        return SIZE_MAX;
    }
    if (burst < BURST_MIN_BYTES)
        burst = BURST_MIN_BYTES;
    if (piece > PIECE_MAX_BYTES)
        piece = PIECE_MAX_BYTES;
    if (passed_ms > FILL_MAX_MS)
        passed_ms = FILL_MAX_MS;
    rate->filled_ms = now_ms;
    if (rate->tokens < -(int64_t)(bytes_per_second * DEBT_MAX_MS))
        rate->tokens = -(int64_t)(bytes_per_second * DEBT_MAX_MS);
    rate->tokens += (int64_t)(passed_ms * bytes_per_second);
    if (rate->tokens > (int64_t)(burst * UNIT))
        rate->tokens = (int64_t)(burst * UNIT);
    if (rate->tokens <= 0 || (uint64_t)rate->tokens < piece * UNIT)
        return 0;
    return (size_t)rate->tokens / UNIT;
}

void m4h_rate_take(struct m4h_rate *rate, size_t bytes)
{
    if (!rate->is_unlimited)
        rate->tokens -= (int64_t)bytes * UNIT;
}
