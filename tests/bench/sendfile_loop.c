/* sendfile_loop.c - the ceiling of a consumer: how fast files in the page cache go through loopback
 * connections by plain sendfile, with no protocol. Prints megabytes (10^6) a second. Not run by
 * make check.
 *
 *   sendfile_loop SECONDS CHUNK FILE...
 *
 * One connection a FILE. On its one end a thread asks by sending a byte, on the other a thread
 * answers with the next CHUNK bytes of the file, which the first reads into memory, as a consumer
 * does. At its end a file begins anew.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

struct pair {
    int file, server, client;
    off_t size;
    size_t chunk;
    pthread_t serves, asks;
};

static atomic_bool over;
static atomic_uint_fast64_t total;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void *serve(void *arg)
{
    struct pair *p = arg;
    off_t at = 0;
    char asked;
    while (read(p->server, &asked, 1) == 1) {
        if (at + (off_t)p->chunk > p->size)
            at = 0;
        for (size_t left = p->chunk; left > 0;) {
            ssize_t n = sendfile(p->server, p->file, &at, left);
            check(n > 0, "sendfile");
            left -= (size_t)n;
        }
    }
    return NULL;
}

static void *ask(void *arg)
{
    struct pair *p = arg;
    char *buf = malloc(p->chunk);
    check(buf != NULL, "malloc");
    while (!over) {
        check(write(p->client, "", 1) == 1, "write");
        for (size_t got = 0; got < p->chunk;) {
            ssize_t n = read(p->client, buf + got, p->chunk - got);
            check(n > 0, "read");
            got += (size_t)n;
        }
        total += p->chunk;
    }
    shutdown(p->client, SHUT_WR);
    free(buf);
    return NULL;
}

/* Connects both ends of a pair through a listener on loopback. */
static void connect_pair(struct pair *p, int listener, const struct sockaddr_in *where)
{
    int one = 1;
    p->client = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(p->client, (const struct sockaddr *)where, sizeof *where) == 0, "connect");
    p->server = accept(listener, NULL, NULL);
    check(p->server >= 0, "accept");
    setsockopt(p->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void open_pair(struct pair *p, const char *path, size_t chunk)
{
    struct stat st;
    p->file = open(path, O_RDONLY);
    check(p->file >= 0 && fstat(p->file, &st) == 0, path);
    p->size = st.st_size;
    p->chunk = chunk < (size_t)p->size ? chunk : (size_t)p->size;
    check(p->chunk > 0, "an empty file");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    static struct pair pairs[MOST];
    int n = argc - 3;
    if (n < 1 || n > MOST || atof(argv[1]) <= 0 || atol(argv[2]) <= 0) {
        fprintf(stderr, "usage: sendfile_loop SECONDS CHUNK FILE...\n");
        return 2;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(listener >= 0 && bind(listener, (struct sockaddr *)&where, len) == 0 &&
              listen(listener, MOST) == 0 &&
              getsockname(listener, (struct sockaddr *)&where, &len) == 0,
          "a socket to listen on");
    for (int i = 0; i < n; i++) {
        open_pair(&pairs[i], argv[3 + i], (size_t)atol(argv[2]));
        connect_pair(&pairs[i], listener, &where);
    }
    double began = now();
    for (int i = 0; i < n; i++)
        check(pthread_create(&pairs[i].serves, NULL, serve, &pairs[i]) == 0 &&
                  pthread_create(&pairs[i].asks, NULL, ask, &pairs[i]) == 0,
              "pthread_create");
    struct timespec t = {.tv_sec = (time_t)atof(argv[1])};
    t.tv_nsec = (long)((atof(argv[1]) - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
    over = true;
    for (int i = 0; i < n; i++) {
        pthread_join(pairs[i].asks, NULL);
        pthread_join(pairs[i].serves, NULL);
    }
    printf("%.1f\n", (double)total / 1e6 / (now() - began));
    return 0;
}
