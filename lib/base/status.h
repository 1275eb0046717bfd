/* The outcome of every call that can fail. Small on purpose: the same numbers travel on the wire.
 */
#ifndef TIERCE_BASE_STATUS_H
#define TIERCE_BASE_STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_END = 1,         /* nothing more to read; not an error */
    STATUS_NOT_FOUND = 2,   /* the thing asked for is not there */
    STATUS_TIMEOUT = 3,     /* the time allowed ran out */
    STATUS_OVERLOADED = 4,  /* refused to protect the rest; try again later */
    STATUS_UNAVAILABLE = 5, /* the peer is not there or went away */
    STATUS_INVALID = 6,     /* the caller's input is wrong */
    STATUS_CORRUPT = 7,     /* stored or received bytes are not what they must be */
    STATUS_DENIED = 8,      /* not allowed */
    STATUS_NO_MEMORY = 9,
    STATUS_NO_SPACE = 10,    /* the disk, or the share of it that we may use, is full */
    STATUS_IO = 11,          /* the operating system refused */
    STATUS_TOO_LARGE = 12,   /* over a stated limit */
    STATUS_UNSUPPORTED = 13, /* a newer format, an unknown method */
    STATUS_CONFLICT = 14,    /* someone else holds it */
    STATUS_CANCELLED = 15,
};

/* A short lower-case name, for logs and problem reports; never NULL. */
const char *status_name(enum status status);

#endif
