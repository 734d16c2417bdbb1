/* What the machine can do: the floor that a transfer is measured against.
 *
 *   limit treehash FILE THREADS          read, hash in 1 MiB leaves
 *   limit upload   FILE THREADS PORT     read, both hashes, send 16 MiB parts to the sink
 *   limit download FILE THREADS PORT SIZE   receive 16 MiB ranges, hash, write to a new FILE
 *
 * Nothing is signed, compared or retried: only the work that the protocol itself asks for.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20, PART = 16 << 20 };

static int file, port;
static long size;
static atomic_long next_part;
static const char *mode;

static void fail(const char *what) { perror(what); exit(1); }

static int dial(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(s, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return s;
}

static void put(int s, const char *data, size_t length) {
    while (length) {
        ssize_t n = send(s, data, length, 0);
        if (n <= 0) fail("send");
        data += n; length -= n;
    }
}

/* Read a reply's head; return how many bytes of the body came with it, moved to the front. */
static size_t head(int s, char *buffer, size_t room) {
    size_t got = 0;
    for (;;) {
        ssize_t n = recv(s, buffer + got, room - got - 1, 0);
        if (n <= 0) fail("recv");
        got += n; buffer[got] = 0;
        char *end = strstr(buffer, "\r\n\r\n");
        if (end) {
            size_t rest = got - (end + 4 - buffer);
            memmove(buffer, end + 4, rest);
            return rest;
        }
    }
}

static void digest(EVP_MD_CTX *context, const void *data, size_t length) {
    unsigned char out[32];
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, data, length);
    EVP_DigestFinal_ex(context, out, NULL);
}

static void *work(void *unused) {
    EVP_MD_CTX *leaf = EVP_MD_CTX_new(), *linear = EVP_MD_CTX_new();
    char *buffer = malloc(MIB + 4096), text[512];
    int s = strcmp(mode, "treehash") ? dial() : -1;
    unsigned char out[32];
    (void)unused;
    for (;;) {
        long start = atomic_fetch_add(&next_part, 1) * PART;
        if (start >= size) break;
        long stop = start + PART < size ? start + PART : size;
        if (!strcmp(mode, "download")) {
            int n = snprintf(text, sizeof text,
                "GET /-/vaults/v/jobs/j/output HTTP/1.1\r\nHost: x\r\nRange: bytes=%ld-%ld\r\n\r\n",
                start, stop - 1);
            put(s, text, n);
            size_t have = head(s, buffer, 4096);
            while (start < stop) {
                size_t want = stop - start < MIB ? stop - start : MIB;
                while (have < want) {
                    ssize_t r = recv(s, buffer + have, want - have, 0);
                    if (r <= 0) fail("recv");
                    have += r;
                }
                digest(leaf, buffer, want);
                if (pwrite(file, buffer, want, start) != (ssize_t)want) fail("pwrite");
                start += want; have = 0;
            }
            continue;
        }
        EVP_DigestInit_ex(linear, EVP_sha256(), NULL);
        for (long at = start; at < stop; at += MIB) {
            long want = stop - at < MIB ? stop - at : MIB;
            if (pread(file, buffer, want, at) != want) fail("pread");
            digest(leaf, buffer, want);
            if (s >= 0) EVP_DigestUpdate(linear, buffer, want);
        }
        EVP_DigestFinal_ex(linear, out, NULL);
        if (s < 0) continue;
        int n = snprintf(text, sizeof text,
            "PUT /-/vaults/v/multipart-uploads/u HTTP/1.1\r\nHost: x\r\nContent-Length: %ld\r\n"
            "x-amz-sha256-tree-hash: 0\r\n\r\n", stop - start);
        put(s, text, n);
        for (long at = start; at < stop; at += MIB) {
            long want = stop - at < MIB ? stop - at : MIB;
            if (pread(file, buffer, want, at) != want) fail("pread");
            put(s, buffer, want);
        }
        head(s, buffer, 4096);
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct stat status;
    pthread_t threads[64];
    int count;
    if (argc < 4) return 2;
    mode = argv[1];
    count = atoi(argv[3]);
    port = argc > 4 ? atoi(argv[4]) : 0;
    if (argc > 5) {
        unlink(argv[2]);
        file = open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600);
    } else {
        file = open(argv[2], O_RDONLY);
    }
    if (file < 0 || fstat(file, &status)) fail(argv[2]);
    size = argc > 5 ? atol(argv[5]) : status.st_size;
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    return 0;
}
