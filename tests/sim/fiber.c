#include "tests/sim/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "tests/sim/world.h"

/* The sanitizers want to be told before and after each change of stacks. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define LEAVE(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define ENTER(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define LEAVE(save, bottom, size) (void)(bottom), (void)(size)
#define ENTER(save, bottom, size) (void)0
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define BEGIN(f) (f)->tsan = __tsan_create_fiber(0)
#define END(f) __tsan_destroy_fiber((f)->tsan)
#define INTO(f) (f)->tsan_caller = __tsan_get_current_fiber(), __tsan_switch_to_fiber((f)->tsan, 0)
#define BACK(f) __tsan_switch_to_fiber((f)->tsan_caller, 0)
#else
#define BEGIN(f) (void)(f)
#define END(f) (void)(f)
#define INTO(f) (void)(f)
#define BACK(f) (void)(f)
#endif

enum { STACK = 512 * 1024 };

struct fiber {
    struct fiber *next; /* of those that are free */
    ucontext_t self, caller;
    void (*fn)(void *arg);
    void *arg;
    bool done;
    void *fake; /* AddressSanitizer's stack of the side that is left */
    const void *caller_bottom;
    size_t caller_size;
    void *tsan, *tsan_caller; /* ThreadSanitizer's names of the two sides */
    uint8_t stack[STACK];
};

static struct fiber *running, *idle;

static struct fiber *take(void)
{
    if (!idle)
        return sim_alloc(sizeof *idle);
    struct fiber *f = idle;
    idle = f->next;
    return f;
}

static void body(void)
{
    struct fiber *f = running;
    ENTER(NULL, &f->caller_bottom, &f->caller_size);
    f->fn(f->arg);
    f->done = true;
    LEAVE(NULL, f->caller_bottom, f->caller_size);
    BACK(f);
    swapcontext(&f->self, &f->caller);
}

/* Into the fiber, until it stops or ends. */
static bool enter(struct fiber *f)
{
    void *fake = NULL;
    running = f;
    LEAVE(&fake, f->stack, sizeof f->stack);
    INTO(f);
    swapcontext(&f->caller, &f->self);
    ENTER(fake, NULL, NULL);
    (void)fake;
    running = NULL;
    if (!f->done)
        return false;
    END(f);
    f->next = idle;
    idle = f;
    return true;
}

static void make_ready(struct fiber *f)
{
    getcontext(&f->self);
    f->self.uc_stack.ss_sp = f->stack;
    f->self.uc_stack.ss_size = sizeof f->stack;
    f->self.uc_link = NULL;
    makecontext(&f->self, body, 0);
}

struct fiber *fiber_start(void (*fn)(void *arg), void *arg)
{
    struct fiber *f = take();
    f->fn = fn;
    f->arg = arg;
    f->done = false;
    make_ready(f);
    BEGIN(f);
    return enter(f) ? NULL : f;
}

bool fiber_resume(struct fiber *f)
{
    return enter(f);
}

void fiber_yield(void)
{
    struct fiber *f = running;
    LEAVE(&f->fake, f->caller_bottom, f->caller_size);
    BACK(f);
    swapcontext(&f->self, &f->caller);
    ENTER(f->fake, &f->caller_bottom, &f->caller_size);
}

bool fiber_inside(void)
{
    return running != NULL;
}

void fiber_cleanup(void)
{
    while (idle) {
        struct fiber *f = idle;
        idle = f->next;
        free(f);
    }
}
