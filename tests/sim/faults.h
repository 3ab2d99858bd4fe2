/* What goes wrong in a simulation, and when: chosen by its seed. */
#ifndef M4H_SIM_FAULTS_H
#define M4H_SIM_FAULTS_H

struct sim;

/* Begins to make faults. */
void faults_begin(struct sim *sim);
/* Everything that is broken is whole again, and whoever is away comes back. */
void faults_end(struct sim *sim);

#endif
