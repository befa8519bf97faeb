/* signin_device.c - device code (graph-facts 5.4): show a code, ask until somebody entered it. */
#include "graph/account_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define INTERVAL_MAX_S 60
#define SLOW_DOWN_S 5 /* what RFC 8628 and Microsoft's own libraries add */

static int ask_code(struct entra_device_code *out, struct signin *signin, struct error *err)
{
    struct account *account = signin->account;
    struct call call = signin_call(signin);
    struct entra_form form;
    int code;

    if (!signin->endpoints.device_code_url) {
        return error_set(err, ERR_UNSUPPORTED, "'%s' offers no sign-in by device code",
                         account->tenant);
    }
    entra_form_init(&form, account);
    entra_form_add(&form, "scope", account_permissions(account));
    code =
        entra_ask_device_code(out, account, signin->endpoints.device_code_url, &form, &call, err);
    entra_form_clear(&form);
    return code;
}

/* One question. ERR_BUSY: not yet; *interval_s is how long to wait before the next. */
static int poll_once(struct entra_token *token, struct signin *signin,
                     const struct entra_device_code *device, int64_t *interval_s, struct error *err)
{
    struct entra_failure failure = {0};
    struct entra_form form;
    int64_t retry_after_ms = -1;
    int code;

    entra_form_init(&form, signin->account);
    entra_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    entra_form_add(&form, "device_code", device->device_code);
    code = signin_ask_token(token, &failure, &retry_after_ms, signin, &form, err);
    if (code < 0 && failure.action == ENTRA_SLOW_DOWN) {
        *interval_s += SLOW_DOWN_S;
    }
    /* Entra's or the network's trouble: the code still counts, go on until it has expired */
    if (code == ERR_UNREACHABLE || code == ERR_THROTTLED || code == ERR_TIMED_OUT) {
        if (failure.action == ENTRA_RETRY) {
            *interval_s *= 2;
            if (retry_after_ms > *interval_s * 1000) {
                *interval_s = retry_after_ms / 1000 + 1;
            }
            code = ERR_BUSY;
        }
    }
    if (*interval_s > INTERVAL_MAX_S) {
        *interval_s = INTERVAL_MAX_S;
    }
    entra_failure_clear(&failure);
    return code;
}

static int wait_for_approval(struct entra_token *token, struct signin *signin,
                             const struct entra_device_code *device, struct error *err)
{
    int64_t expires_ms = clock_mono_ms(clock_system()) + device->expires_in_s * 1000;
    int64_t interval_s = device->interval_s;
    int code;

    do {
        code = signin_pause(signin, interval_s * 1000, err);
        if (code == 0 && clock_mono_ms(clock_system()) >= expires_ms) {
            return error_set(err, ERR_TIMED_OUT,
                             "sign-in to '%s': the code was not entered in time; run `mooring "
                             "login`",
                             signin->account->tenant);
        }
        if (code == 0) {
            code = poll_once(token, signin, device, &interval_s, err);
        }
    } while (code == ERR_BUSY);
    return code;
}

int account_sign_in_device_code(struct account *account, account_prompt_fn prompt, void *payload,
                                const struct call *call, struct error *err)
{
    struct entra_device_code device = {0};
    struct entra_token token = {0};
    struct error failure = {0};
    struct signin signin;
    int code = signin_begin(&signin, account, call, &failure);

    if (code < 0) {
        return error_set(err, code, "%s", failure.message);
    }
    code = ask_code(&device, &signin, &failure);
    if (code == 0) {
        struct account_prompt shown = {.message = device.message,
                                       .verification_url = device.verification_url,
                                       .user_code = device.user_code,
                                       .expires_in_s = device.expires_in_s};

        signin_prompt(&signin, &shown, prompt, payload);
        code = wait_for_approval(&token, &signin, &device, &failure);
    }
    if (code == 0) {
        code = account_accept(account, signin.epoch, &signin.endpoints, &token, call, &failure);
    }
    entra_token_clear(&token);
    entra_device_code_clear(&device);
    code = signin_end(&signin, code, &failure);
    return code < 0 ? error_set(err, code, "%s", failure.message) : 0;
}
