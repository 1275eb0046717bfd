/* Reads the command line: which command, with which options, on which words. */
#ifndef TIERCE_CLI_COMMAND_TABLE_H
#define TIERCE_CLI_COMMAND_TABLE_H

/* Runs the command that the line names. Returns the exit status. */
int command_table_run(int argc, char **argv);

/*
 * Index in argv of the command: the first word that is neither an option nor the value of one.
 * argc where there is none.
 */
int command_table_find(int argc, char **argv);

/*
 * Puts options first, then "--", then all other words, in their order: so that `tierce search red
 * -green` can exclude a word as people write it. `ret` has room for argc + 2 entries. Returns how
 * many are used, without the NULL behind them.
 */
int command_table_separate(int argc, char **argv, char **ret);

#endif
