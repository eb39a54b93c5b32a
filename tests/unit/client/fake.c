#include "tests/unit/client/fake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/wr.h"
#include "kp/error.h"
#include "tests/unit/unit.h"

enum { CONNECTIONS = 32 };

static pid_t child;

static int listen_somewhere(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static int read_all(int fd, void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = read(fd, (char *)p + done, n - done);
        if (k <= 0)
            return -1;
        done += (size_t)k;
    }
    return 0;
}

static void offer_all(struct kp_api_versions_resp *resp, struct arena *a)
{
    size_t n;
    const struct kp_api *apis = kp_apis(&n);
    resp->n_api_keys = (int32_t)n;
    resp->api_keys = arena_array(a, n, sizeof *resp->api_keys);
    for (size_t i = 0; i < n; i++)
        resp->api_keys[i] =
            (struct kp_api_versions_resp_api_keys){apis[i].key, apis[i].min, apis[i].max};
}

/* Read a request and do with it what f says. Returns whether the connection stays. */
static bool serve(const struct fake *k, int broker, int fd,
                  enum fake_verdict (*f)(const struct fake *, struct fake_request *))
{
    uint8_t length[4];
    if (read_all(fd, length, 4))
        return false;
    struct arena a;
    arena_init(&a, 0);
    size_t n = get_be32(length);
    uint8_t *frame = arena_alloc(&a, n);
    bool stays = !read_all(fd, frame, n);
    struct rd rd = rd_of(frame, n);
    struct fake_request r = {.broker = broker, .arena = &a, .seen = k->seen};
    stays = stays && !kp_decode_req_header(&rd, &r.header);
    if (stays) {
        const struct kp_api *api = kp_api(r.header.key);
        void *req = arena_alloc(&a, kp_sizeof(api->req));
        kp_decode(api->req, r.header.version, &rd, &a, req);
        r.req = req;
        r.resp = arena_alloc(&a, kp_sizeof(api->resp));
        kp_init(api->resp, r.resp);
        enum fake_verdict v = FAKE_ANSWER;
        if (r.header.key == KP_API_VERSIONS)
            offer_all(r.resp, &a);
        else
            v = f(k, &r);
        struct wr w;
        wr_init(&w, 0);
        wr_be32(&w, 0);
        kp_encode_resp_header(&w, r.header.key, r.header.version, r.header.correlation_id);
        kp_encode(api->resp, r.header.version, r.resp, &w);
        w.len -= v == FAKE_CUT;
        wr_patch_be32(&w, 0, (uint32_t)w.len - 4);
        if ((v == FAKE_ANSWER || v == FAKE_CUT) &&
            (w.err || write(fd, w.buf, w.len) != (ssize_t)w.len))
            v = FAKE_DROP;
        wr_free(&w);
        stays = v != FAKE_DROP;
    }
    arena_free(&a);
    return stays;
}

static void run(const struct fake *k, const int *listeners,
                enum fake_verdict (*f)(const struct fake *, struct fake_request *))
{
    struct pollfd p[FAKE_BROKERS + CONNECTIONS];
    int broker[FAKE_BROKERS + CONNECTIONS];
    nfds_t n = FAKE_BROKERS;
    for (int i = 0; i < FAKE_BROKERS; i++)
        p[i] = (struct pollfd){listeners[i], POLLIN, 0};
    while (poll(p, n, -1) > 0) {
        for (nfds_t i = FAKE_BROKERS; i < n; i++) {
            if (!p[i].revents || serve(k, broker[i], p[i].fd, f))
                continue;
            close(p[i].fd);
            n--;
            p[i] = p[n];
            broker[i] = broker[n];
            i--;
        }
        for (int i = 0; i < FAKE_BROKERS; i++)
            if (p[i].revents && n < FAKE_BROKERS + CONNECTIONS) {
                broker[n] = i;
                p[n++] = (struct pollfd){accept(listeners[i], NULL, NULL), POLLIN, 0};
            }
    }
}

void fake_start(struct fake *k, enum fake_verdict (*f)(const struct fake *, struct fake_request *))
{
    int listeners[FAKE_BROKERS];
    k->seen = mmap(NULL, FAKE_COUNTERS * sizeof *k->seen, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(k->seen, MAP_FAILED);
    for (int i = 0; i < FAKE_BROKERS; i++)
        listeners[i] = listen_somewhere(&k->ports[i]);
    snprintf(k->bootstrap, sizeof k->bootstrap, "127.0.0.1:%d", k->ports[0]);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        signal(SIGPIPE, SIG_IGN);
        run(k, listeners, f);
        _exit(0);
    }
    for (int i = 0; i < FAKE_BROKERS; i++)
        close(listeners[i]);
}

void fake_stop(struct fake *k)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    munmap(k->seen, FAKE_COUNTERS * sizeof *k->seen);
}

void fake_metadata(const struct fake *k, struct fake_request *r, int controller, int n,
                   const int *leaders)
{
    struct kp_metadata_resp *md = r->resp;
    md->controller_id = controller;
    md->n_brokers = FAKE_BROKERS;
    md->brokers = arena_array(r->arena, FAKE_BROKERS, sizeof *md->brokers);
    for (int i = 0; i < FAKE_BROKERS; i++) {
        kp_init(&kp_metadata_resp_brokers_schema, &md->brokers[i]);
        md->brokers[i].node_id = i;
        md->brokers[i].host = kp_str("127.0.0.1");
        md->brokers[i].port = k->ports[i];
    }
    const struct kp_metadata_req *req = r->req;
    if (req->n_topics == 0)
        return;
    md->n_topics = 1;
    md->topics = arena_alloc(r->arena, sizeof *md->topics);
    kp_init(&kp_metadata_resp_topics_schema, md->topics);
    md->topics->name = kp_str("t");
    if (n < 0) {
        md->topics->error_code = KP_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    md->topics->n_partitions = n;
    md->topics->partitions = arena_array(r->arena, (size_t)n, sizeof *md->topics->partitions);
    for (int i = 0; i < n; i++) {
        kp_init(&kp_metadata_resp_topics_partitions_schema, &md->topics->partitions[i]);
        md->topics->partitions[i].partition_index = i;
        md->topics->partitions[i].leader_id = leaders[i];
    }
}
