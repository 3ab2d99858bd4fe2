/* How the screen of top is divided. Private to services/ctl/core. */
#ifndef M4H_CTL_CORE_TOP_LAYOUT_H
#define M4H_CTL_CORE_TOP_LAYOUT_H

/* Rows that are not slaves: title, totals, history, an empty one, column titles, the foot. */
#define M4H_CTL_TOP_FRAME_ROWS 6

#endif
