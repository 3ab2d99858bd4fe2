/* A goodbye to a connection for which no session is made: a server without room has
 * none for a key exchange either. */
#ifndef M4H_SSH_REFUSAL_H
#define M4H_SSH_REFUSAL_H

/* Writes our identification and an SSH_MSG_DISCONNECT with `message` (RFC 4253
 * sections 4.2 and 11.1) to a connected socket, as far as it takes them at once. The
 * descriptor stays the caller's, to be closed now; a client that names itself only
 * after that may see no more than a reset connection. Any thread. */
void m4h_ssh_refusal_write(int fd, const char *message);

#endif
