// SPDX-License-Identifier: GPL-2.0
/*
 * The main loop: epoll, and the machine lock around the handlers of a batch.
 *
 * A source that is removed may still be in a batch that the loop has fetched
 * but not yet worked off.  So it only loses its handler, and is freed after the
 * batch: later ones cannot contain it.
 */
#include "machine/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NANOSECONDS 1000000000ULL

/* Events fetched at once; more of them wait for the next round. */
#define LOOP_BATCH 16

struct loop_source {
	int fd;
	void (*handler)(void *opaque);
	void *opaque;
	struct loop_source *next;
};

struct loop {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int epoll_fd;
	int stop_fd;
	bool stopped;
	struct loop_source *sources;
	struct loop_source *removed;
};

struct loop_timer {
	struct loop *loop;
	int fd;
	void (*handler)(void *opaque);
	void *opaque;
};

static void handle_stop(void *opaque)
{
	struct loop *loop = opaque;

	loop->stopped = true;
}

int loop_create(struct loop **out)
{
	struct loop *loop;
	int err;

	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	err = -pthread_mutex_init(&loop->lock, NULL);
	if (err)
		goto free_loop;
	err = -pthread_cond_init(&loop->wake, NULL);
	if (err)
		goto destroy_lock;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err = -errno;
		goto destroy_wake;
	}
	loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->stop_fd < 0) {
		err = -errno;
		goto close_epoll;
	}
	err = loop_add(loop, loop->stop_fd, handle_stop, loop);
	if (err)
		goto close_stop;
	*out = loop;
	return 0;

close_stop:
	close(loop->stop_fd);
close_epoll:
	close(loop->epoll_fd);
destroy_wake:
	pthread_cond_destroy(&loop->wake);
destroy_lock:
	pthread_mutex_destroy(&loop->lock);
free_loop:
	free(loop);
	return err;
}

static void free_removed(struct loop *loop)
{
	struct loop_source *source;

	while ((source = loop->removed)) {
		loop->removed = source->next;
		free(source);
	}
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources)
		loop_remove(loop, loop->sources->fd);
	free_removed(loop);
	close(loop->stop_fd);
	close(loop->epoll_fd);
	pthread_cond_destroy(&loop->wake);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void loop_lock(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
}

void loop_unlock(struct loop *loop)
{
	pthread_mutex_unlock(&loop->lock);
}

void loop_wait(struct loop *loop)
{
	pthread_cond_wait(&loop->wake, &loop->lock);
}

void loop_wake(struct loop *loop)
{
	pthread_cond_broadcast(&loop->wake);
}

int loop_add(struct loop *loop, int fd, void (*handler)(void *opaque), void *opaque)
{
	struct loop_source *source;
	struct epoll_event event = { .events = EPOLLIN };

	source = malloc(sizeof(*source));
	if (!source)
		return -ENOMEM;
	*source = (struct loop_source){ .fd = fd, .handler = handler, .opaque = opaque };
	event.data.ptr = source;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
		int err = -errno;

		free(source);
		return err;
	}
	source->next = loop->sources;
	loop->sources = source;
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	struct loop_source **link, *source;

	for (link = &loop->sources; (source = *link); link = &source->next) {
		if (source->fd != fd)
			continue;
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		*link = source->next;
		source->handler = NULL;
		source->next = loop->removed;
		loop->removed = source;
		return;
	}
}

static void handle_timer(void *opaque)
{
	struct loop_timer *timer = opaque;
	uint64_t expirations;

	/* Nothing to read if it was armed anew since it expired. */
	if (read(timer->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		timer->handler(timer->opaque);
}

int loop_timer_add(struct loop *loop, void (*handler)(void *opaque), void *opaque,
		   struct loop_timer **out)
{
	struct loop_timer *timer;
	int err;

	timer = malloc(sizeof(*timer));
	if (!timer)
		return -ENOMEM;
	*timer = (struct loop_timer){ .loop = loop, .handler = handler, .opaque = opaque };
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0) {
		err = -errno;
		goto free_timer;
	}
	err = loop_add(loop, timer->fd, handle_timer, timer);
	if (err)
		goto close_fd;
	*out = timer;
	return 0;

close_fd:
	close(timer->fd);
free_timer:
	free(timer);
	return err;
}

int loop_timer_arm(struct loop_timer *timer, uint64_t nanoseconds)
{
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(nanoseconds / NANOSECONDS),
		.it_value.tv_nsec = (long)(nanoseconds % NANOSECONDS),
	};

	return timerfd_settime(timer->fd, 0, &when, NULL) ? -errno : 0;
}

void loop_timer_remove(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_remove(timer->loop, timer->fd);
	close(timer->fd);
	free(timer);
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_BATCH];
	int count, i;

	while (!loop->stopped) {
		count = epoll_wait(loop->epoll_fd, events, LOOP_BATCH, -1);
		if (count < 0 && errno != EINTR)
			return -errno;
		loop_lock(loop);
		for (i = 0; i < count; i++) {
			struct loop_source *source = events[i].data.ptr;

			if (source->handler)
				source->handler(source->opaque);
		}
		free_removed(loop);
		loop_unlock(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;

	/* It fails only when the count is huge: then the loop has much to stop for. */
	if (write(loop->stop_fd, &one, sizeof(one)) < 0)
		return;
}
