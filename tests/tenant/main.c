/*
 * main.c - mooring-tenant: a simulated Microsoft 365 tenant for tests, benchmarks and the demo.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph_search.h"
#include "server.h"
#include "world.h"

static const char usage[] =
    "usage: mooring-tenant --scenario FILE --state DIR [options]\n"
    "       mooring-tenant control DIR VERB [JSON]\n"
    "  --port N              TLS port on 127.0.0.1 (0: any free one)\n"
    "  --control-port N      control port on 127.0.0.1 (0: any free one)\n"
    "  --ready-file FILE     written when listening; DIR/tenant.json always is\n"
    "  --max-seconds N       stop by itself (3600)\n"
    "  --rtt-ms N --mbit N   latency and bandwidth (0: none)\n"
    "  --graph-url URL --login-url URL --content-url URL\n"
    "                        how clients reach it when not by https://graph.localhost:PORT etc.\n"
    "  --die-with-parent     stop when the program that started it ends\n";

static int number_option(const char *text)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < 0 || value > 1000000000) {
        die("'%s' is not a number\n%s", text, usage);
    }
    return (int)value;
}

static void die_with_parent(void)
{
    pid_t parent = getppid();

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        exit(0); /* it ended meanwhile */
    }
}

static void read_options(struct server_options *o, int argc, char **argv)
{
    static const struct option names[] = {{"scenario", required_argument, NULL, 's'},
                                          {"state", required_argument, NULL, 'd'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"control-port", required_argument, NULL, 'c'},
                                          {"ready-file", required_argument, NULL, 'r'},
                                          {"max-seconds", required_argument, NULL, 'm'},
                                          {"rtt-ms", required_argument, NULL, 't'},
                                          {"mbit", required_argument, NULL, 'b'},
                                          {"graph-url", required_argument, NULL, 'G'},
                                          {"login-url", required_argument, NULL, 'L'},
                                          {"content-url", required_argument, NULL, 'C'},
                                          {"die-with-parent", no_argument, NULL, 'x'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    *o = (struct server_options){.max_seconds = 3600};
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (c) {
        case 's':
            o->scenario = optarg;
            break;
        case 'd':
            o->state_dir = optarg;
            break;
        case 'p':
            o->port = number_option(optarg);
            break;
        case 'c':
            o->control_port = number_option(optarg);
            break;
        case 'r':
            o->ready_file = optarg;
            break;
        case 'm':
            o->max_seconds = number_option(optarg);
            break;
        case 't':
            o->rtt_ms = number_option(optarg);
            break;
        case 'b':
            o->mbit = number_option(optarg);
            break;
        case 'G':
            o->graph_url = optarg;
            break;
        case 'L':
            o->login_url = optarg;
            break;
        case 'C':
            o->content_url = optarg;
            break;
        case 'x':
            die_with_parent();
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (!o->scenario || !o->state_dir || optind != argc) {
        fputs(usage, stderr);
        exit(2);
    }
}

/* --- start ---------------------------------------------------------------------------------------
 */

static void make_identity(struct server *s)
{
    /* No "*.localhost": clients want two labels behind a wildcard. */
    static const char *const fixed[] = {"localhost",
                                        "login.localhost",
                                        "graph.localhost",
                                        "content.localhost",
                                        "127.0.0.1",
                                        "::1",
                                        "login.microsoftonline.com",
                                        "graph.microsoft.com",
                                        "*.sharepoint.com"};
    const struct world *w = s->world;
    const cJSON *hosts = cJSON_GetObjectItemCaseSensitive(w->scenario, "hosts");
    size_t n_hosts = cJSON_IsArray(hosts) ? (size_t)cJSON_GetArraySize(hosts) : 0;
    const char **names = xcalloc(COUNT_OF(fixed) + 2 * w->n_tenants + n_hosts, sizeof(*names));
    const cJSON *host;
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        names[n++] = fixed[i];
    }
    for (size_t i = 0; i < w->n_tenants; i++) {
        names[n++] = w->tenants[i].sharepoint_host;
        names[n++] = w->tenants[i].my_host;
    }
    cJSON_ArrayForEach(host, hosts)
    {
        if (cJSON_IsString(host)) {
            names[n++] = host->valuestring;
        }
    }
    tls_identity_make(&s->tls, s->options->state_dir, names, n);
    free(names);
}

static char *url_or_default(const char *url, const char *name, int port)
{
    if (url) {
        return xstrdup(url);
    }
    return port == 443 ? xasprintf("https://%s.localhost", name)
                       : xasprintf("https://%s.localhost:%d", name, port);
}

static char *ready_text(const struct server *s)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list;
    char *ca = realpath(s->tls.ca_path, NULL);
    char *state = realpath(s->options->state_dir, NULL);
    char *text;

    cJSON_AddNumberToObject(root, "pid", (double)getpid());
    cJSON_AddNumberToObject(root, "port", s->port);
    cJSON_AddNumberToObject(root, "control_port", s->control_port);
    cJSON_AddStringToObject(root, "login_url", s->login_url);
    cJSON_AddStringToObject(root, "graph_url", s->graph_url);
    cJSON_AddStringToObject(root, "content_url", s->content_url);
    cJSON_AddStringToObject(root, "ca_file", ca ? ca : s->tls.ca_path);
    cJSON_AddStringToObject(root, "state_dir", state ? state : s->options->state_dir);
    list = cJSON_AddArrayToObject(root, "tenants");
    for (size_t i = 0; i < s->world->n_tenants; i++) {
        const struct tenant *t = &s->world->tenants[i];
        cJSON *one = cJSON_CreateObject();
        cJSON *users;

        cJSON_AddStringToObject(one, "name", t->name);
        cJSON_AddStringToObject(one, "id", t->id);
        cJSON_AddStringToObject(one, "initial_domain", t->initial_domain);
        cJSON_AddStringToObject(one, "display_name", t->display_name);
        cJSON_AddStringToObject(one, "sharepoint_host", t->sharepoint_host);
        users = cJSON_AddArrayToObject(one, "users");
        for (size_t k = 0; k < t->n_users && k < 100; k++) {
            cJSON_AddItemToArray(users, cJSON_CreateString(t->users[k].upn));
        }
        cJSON_AddItemToArray(list, one);
    }
    text = cJSON_Print(root);
    cJSON_Delete(root);
    free(ca);
    free(state);
    return text;
}

static void write_ready(struct server *s)
{
    char *text = ready_text(s);

    if (write_file_atomic(s->ready_path, text, strlen(text), 0600) != 0 ||
        (s->options->ready_file &&
         write_file_atomic(s->options->ready_file, text, strlen(text), 0600) != 0)) {
        die("cannot write the ready file: %s", strerror(errno));
    }
    free(text);
}

static void prepare_state_dir(const char *dir)
{
    char *tmp = xasprintf("%s/tmp", dir);

    if (make_dir(dir) != 0 || make_dir(tmp) != 0) {
        die("cannot make '%s': %s", dir, strerror(errno));
    }
    free(tmp);
}

static void start(struct server *s, const struct server_options *o)
{
    char *log_path = xasprintf("%s/requests.log", o->state_dir);
    char *error = NULL;

    s->options = o;
    prepare_state_dir(o->state_dir);
    /* One that was killed left these behind: nobody shall take them for ours. */
    s->ready_path = xasprintf("%s/tenant.json", o->state_dir);
    unlink(s->ready_path);
    if (o->ready_file) {
        unlink(o->ready_file);
    }
    s->world = world_new(o->scenario, o->state_dir, &error);
    if (!s->world) {
        die("%s: %s", o->scenario, error ? error : "cannot be read");
    }
    pthread_mutex_init(&s->conn_lock, NULL);
    shaper_init(&s->shaper, o->rtt_ms, o->mbit);
    faults_init(&s->faults);
    ledger_init(&s->ledger);
    tokens_init(&s->tokens, o->state_dir);
    reqlog_open(&s->log, log_path);
    signin_init(s);
    search_init(s);
    for (size_t i = 0; i < s->world->n_tenants; i++) {
        const struct tenant *t = &s->world->tenants[i];

        ledger_configure(&s->ledger, t, cJSON_GetObjectItemCaseSensitive(t->spec, "throttle"));
    }
    make_identity(s);
    free(log_path);
    s->port = o->port;
    s->graph_url = xstrdup("");
    socket_start(s);
    free(s->graph_url);
    s->graph_url = url_or_default(o->graph_url, "graph", s->port);
    s->login_url = url_or_default(o->login_url, "login", s->port);
    s->content_url = url_or_default(o->content_url, "content", s->port);
    control_start(s);
    write_ready(s);
}

static void stop(struct server *s)
{
    shaper_stop(&s->shaper);
    control_stop(s);
    socket_stop(s);
    unlink(s->ready_path);
    if (s->options->ready_file) {
        unlink(s->options->ready_file);
    }
    reqlog_close(&s->log);
    tokens_clear(&s->tokens);
    faults_clear(&s->faults);
    ledger_clear(&s->ledger);
    search_free(s);
    cJSON_Delete(s->signin);
    tls_identity_clear(&s->tls);
    world_free(s->world);
    free(s->ready_path);
    free(s->graph_url);
    free(s->login_url);
    free(s->content_url);
}

static void give_up(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

int main(int argc, char **argv)
{
    static struct server server; /* large, and the signals below are its only other way out */
    struct server_options options;
    struct rlimit files = {0};
    struct timespec limit = {0};
    sigset_t signals;

    if (argc > 1 && strcmp(argv[1], "control") == 0) {
        return control_main(argc, argv);
    }
    read_options(&options, argc, argv);
    umask(077);
    prctl(PR_SET_TIMERSLACK, 1000UL); /* ns: waits are to be precise */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    start(&server, &options);
    sigdelset(&signals, SIGPIPE);
    limit.tv_sec = options.max_seconds;
    while (sigtimedwait(&signals, NULL, &limit) < 0 && errno == EINTR) {
    }
    /* Threads that hang in a send are given three seconds. */
    signal(SIGALRM, give_up);
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    alarm(3);
    stop(&server);
    return 0;
}
