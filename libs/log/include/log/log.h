/* Log lines of services: "[ 0.012] name: text" on the standard output, from a level on.
 * The environment variable LOG (error, warning, info, debug) sets the level; info where it is not set. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines below this level are dropped. Set from the environment before main runs. */
extern enum log_level log_level;

/* How many lines were written at each level. */
extern unsigned long log_lines[LOG_DEBUG + 1];

const char *log_level_name(enum log_level level);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);
#endif
