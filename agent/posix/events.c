/*
 * events.c - of what events.h has, Linux tells of another network, by rtnetlink: any user may listen.
 */
#include "events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

#define MESSAGES_BYTES 8192

struct agent_events {
    agent_event_fn handler;
    void *payload;
    struct thread thread;
    int routes;
    int over; /* agent_events_stop() was called */
};

/* The route to everywhere, or to half of it as VPN programs set it: others come and go with containers.
 * One that is replaced was there before; router advertisements renew it all the time. */
static bool is_new_way_out(const struct nlmsghdr *message)
{
    const struct rtmsg *route = NLMSG_DATA(message);

    return message->nlmsg_type == RTM_NEWROUTE && !(message->nlmsg_flags & NLM_F_REPLACE) &&
           message->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) && route->rtm_type == RTN_UNICAST &&
           route->rtm_dst_len <= 1;
}

/* All that is there to read. */
static bool has_new_network(const struct agent_events *events)
{
    union {
        struct nlmsghdr first;
        char bytes[MESSAGES_BYTES];
    } messages;
    bool is_new = false;
    ssize_t size;

    while ((size = recv(events->routes, &messages, sizeof(messages), MSG_DONTWAIT)) >= 0 ||
           errno == EINTR || errno == ENOBUFS) {
        const struct nlmsghdr *message = &messages.first;
        unsigned left = size < 0 ? 0 : (unsigned)size;

        is_new = is_new || (size < 0 && errno == ENOBUFS); /* some were lost */
        for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            is_new = is_new || is_new_way_out(message);
        }
    }
    return is_new;
}

static void *serve(void *payload)
{
    struct agent_events *events = payload;
    struct pollfd fds[] = {{.fd = events->routes, .events = POLLIN},
                           {.fd = events->over, .events = POLLIN}};

    while (!fds[1].revents) {
        if (poll(fds, 2, -1) > 0 && fds[0].revents && has_new_network(events)) {
            events->handler(events->payload, AGENT_EVENT_NETWORK);
        }
    }
    return NULL;
}

static int start(struct agent_events *events, struct error *err)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};

    events->over = eventfd(0, EFD_CLOEXEC);
    events->routes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (events->over < 0 || events->routes < 0 ||
        bind(events->routes, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return error_set_os(err, ERR_UNSUPPORTED, errno, "changes of the network are not told");
    }
    return thread_start(&events->thread, "events", serve, events, err);
}

int agent_events_start(struct agent_events **out, agent_event_fn handler, void *payload,
                       struct error *err)
{
    struct agent_events *events = calloc(1, sizeof(*events));
    int code;

    if (!events) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the system's events");
    }
    events->handler = handler;
    events->payload = payload;
    events->routes = -1;
    events->over = -1;
    code = start(events, err);
    if (code < 0) {
        agent_events_stop(events);
        return code;
    }
    *out = events;
    return 0;
}

void agent_events_stop(struct agent_events *events)
{
    if (!events) {
        return;
    }
    if (events->over >= 0) {
        (void)eventfd_write(events->over, 1);
    }
    thread_join(&events->thread);
    if (events->routes >= 0) {
        close(events->routes);
    }
    if (events->over >= 0) {
        close(events->over);
    }
    free(events);
}
